# SPDX-License-Identifier: GPL-2.0-only
"""Documentation: generated pages, links, spelling, commands that were run as printed."""
import glob
import os
import re
import subprocess
import tempfile

from common import run, tracked

# page: the command that prints it
GENERATED = {
    'docs/command-line.md': ['python3', 'docs/gen-command-line.py'],
    'docs/abi-coverage.md': ['python3', 'docs/gen-abi-coverage.py'],
    'docs/architecture.svg': ['dot', '-Tsvg', 'docs/architecture.dot'],
}


def generated():
    problems = []
    for page, command in GENERATED.items():
        if not os.path.exists(page) or not os.path.exists(command[-1]):
            problems.append('%s or %s does not exist' % (page, command[-1]))
            continue
        status, out = run(command)
        if status:
            problems.append('%s failed: %s' % (' '.join(command), out.strip()[:200]))
        elif out != open(page).read():
            problems.append('%s is out of date: %s > %s' % (page, ' '.join(command), page))
    return problems


def links():
    """Relative links in the pages lead somewhere."""
    problems = []
    for page in tracked('*.md'):
        text = re.sub(r'```.*?```', '', open(page).read(), flags=re.S)
        for target in re.findall(r'\]\(([^)\s]+)\)', text):
            if re.match(r'[a-z]+:', target) or target.startswith('#'):
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(page), target.split('#')[0]))
            if not os.path.exists(path):
                problems.append('%s: %s does not exist' % (page, target))
    return problems


def spelling():
    status, out = run(['codespell', '-q', '3', '-L', 'crate,inout,ot,te,fo,ser,parm,ist,extraversion,extint,noe,sie,hda,hist,wit,nd,iff,mis,ment'] +
                      tracked('*.md', '*.c', '*.h', '*.S', '*.py'))
    if status == 127:
        return [out]
    return [line for line in out.split('\n') if '==>' in line]


# Commands of blocks that are not marked "sh run": what else runs them, or why nothing here can.
ELSEWHERE = {
    'make': 'docs/hardware.md, as "sh run"',
    'make check': '.ci/run',
    'make check-long': 'a maintainer, before a release: hours',
    'make lint': 'this is it',
    'make check-unit': 'tests/t/unit.t',
    'make check-xl': 'make check, but for the boots that only check-xl and check-long have',
    'make check-hypercall': 'tests/t/hypercall.t',
    'make check-hypercall HV=xen': 'a maintainer, when an expectation is written: the answers of Xen are its source',
    'make check-xl HV=xen': 'a maintainer, who records what Xen prints',
    'make demo': 'tests/demo/run: to its end with VERBOSE=1, without it until Ctrl-C',
    'make demo VERBOSE=1': 'tests/demo/run verbose, in make check-long',
    'make demo INTERACTIVE=1': 'tests/demo/run types into it',
    'make demo HV=xen': 'a maintainer: needs the package of Xen itself',
    'tests/xl/run basic inside': 'make check-long',
    'XL_JOBS=2 tests/xl/run': 'make check-xl',
    'tests/xl/run save': 'make check-long, in the boot "inside"',
    'tests/xl/run --hv xen --record': 'a maintainer, who records what Xen prints',
    'HV=xen CPUS=1 AREAS=grant tests/hypercall/run': 'a maintainer: as make check-hypercall HV=xen',
    'HV=pavise CPUS=1 AREAS=evtchn CASE="send" tests/hypercall/run': 'tests/t/hypercall.t, with all cases',
    'HV=pavise CPUS=1 AREAS=sched CASE=twice tests/hypercall/run': 'tests/demo/extending, which follows the page',
    'HV=pavise CPUS=1 AREAS=cpu CASE=RDPMC tests/hypercall/run': 'tests/demo/extending, which follows the page',
    'SEEDS="4 5" FUZZ_CALLS=200000 CPUS= tests/hypercall/run': 'make check-hypercall, with other seeds',
    'tests/hypercall/mutants grant LAPIC': 'make check-mutants, all of them',
    'tools/lab/run-bochs -D -o build/debug -k build/pavise.gz -c "com1=115200,8n1 console=com1"':
        'tests/demo/run debugger, in make check-long',
    'nm build/pavise-syms | grep -w watchdog_init': 'tests/demo/run debugger, in make check-long',
    'make check-mutants': 'a maintainer, before a release: hours',
    'tests/hypercall/mutants --cases': 'who adds a case: half an hour',
    'tests/hypercall/mutants --cases guest': 'who adds a case, as the line above',
    'tests/hypercall/mutants --cases --again': 'a maintainer: hours',
}
# Commands that take root or a machine of one's own.
HANDS = r'^sudo |^make deb$'
FENCE = re.compile(r'^```([^\n]*)\n(.*?)^```', re.S | re.M)
# An indented block that begins like a command should be a fenced one, so that it is seen here.
INDENTED = re.compile(r'\n\n    ((?:make|sudo|tools/|tests/|python3|[A-Z_]+=\S+ )[^\n]*)')


def block_runs(page, block):
    with tempfile.NamedTemporaryFile('w', suffix='.sh') as f:
        f.write('set -e\n' + block)
        f.flush()
        status, out = run(['bash', f.name], stdin=subprocess.DEVNULL)
    return ['%s: %r failed: %s' % (page, block.strip()[:80], out.strip()[-200:])] if status else []


def commands():
    """Blocks marked ```sh run``` are run as printed, in the top folder; each must succeed. Those of other
    shell blocks have a row that says who runs them."""
    problems, seen = [], set()
    for page in tracked('*.md'):
        text = open(page).read()
        problems += ['%s: "%s" should be in a fenced block' % (page, c) for c in INDENTED.findall(text)]
        for kind, block in FENCE.findall(text):
            if kind == 'sh run':
                problems += block_runs(page, block)
            elif kind == 'sh':
                lines = {re.sub(r'\s*#.*', '', line).strip() for line in block.split('\n')} - {''}
                seen |= lines
                problems += ['%s: nothing is known to run "%s": mark the block "sh run", or say who does in %s'
                             % (page, line, 'tools/lint/docs.py')
                             for line in sorted(lines) if line not in ELSEWHERE and not re.search(HANDS, line)]
            elif not kind and re.search(r'^(make|sudo|tools/|tests/) ', block, re.M):
                problems.append('%s: a block of commands without "sh"' % page)
    problems += ['"%s" has a row in tools/lint/docs.py, and is in no block' % c for c in sorted(set(ELSEWHERE) - seen)]
    return problems


def examples():
    """The examples of docs/extending.md still have their places in the sources; check-demo builds and runs them."""
    status, out = run(['tests/demo/extending', '--check'])
    return [line for line in out.split('\n') if line.startswith('#')] or ([out] if status else [])


def names():
    """What pages name in passing is there: targets and settings of make, files, folders."""
    _, database = run(['make', '-pRrq', 'PACKAGES=0', '.no-such-target'])
    targets = set(re.findall(r'^([a-z][a-z0-9-]*):', database, re.M))
    settings = set(re.findall(r'^([A-Z_]+) (?:\?|:)?= ', database, re.M)) | {'CPUS', 'SELFTEST'}
    problems = []
    for page in tracked('*.md'):
        text = FENCE.sub('', open(page).read())
        for words in re.findall(r'`make ((?:[a-zA-Z][\w=.\-… ]*)?)`', text):
            for word in words.split():
                name, is_setting, _ = word.partition('=')
                if name not in (settings if is_setting else targets) and name != 'NAME':
                    problems.append('%s: `make %s`: there is no %s' % (page, words, name))
        roots = ('', 'xen/', 'xen/arch/x86/', 'xen/arch/x86/hvm/', 'xen/include/', os.path.dirname(page) + '/')
        for path in re.findall(r'`((?:\.\./)?[a-z][\w.]*/[\w./*{},-]*(?:\.(?:[chS]|py|md|mk|sh)|/))`', text):
            if not any(exists(root + p) for root in roots for p in braces(path)) and not path.startswith('build/'):
                problems.append('%s: there is no %s' % (page, path))
    return problems


def braces(path):
    m = re.match(r'(.*?)\{([^}]*)\}(.*)', path)
    return [m[1] + w + m[3] for w in m[2].split(',')] if m else [path]


def exists(path):
    return bool(glob.glob(path))


CHECKS = [
    ('generated-pages', generated),
    ('links', links),
    ('spelling', spelling),
    ('documented-commands', commands),
    ('documented-names', names),
    ('documented-examples', examples),
]
