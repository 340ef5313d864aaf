# SPDX-License-Identifier: GPL-2.0-only
"""Documentation: generated pages, links, spelling, commands that were run as printed."""
import os
import re
import tempfile

from common import run, tracked

# page: the command that prints it
GENERATED = {
    'docs/command-line.md': ['python3', 'docs/gen-command-line.py'],
    'docs/abi-coverage.md': ['python3', 'docs/gen-abi-coverage.py'],
}


def generated():
    problems = []
    for page, command in GENERATED.items():
        if not os.path.exists(page) or not os.path.exists(command[1]):
            problems.append('%s or %s does not exist' % (page, command[1]))
            continue
        status, out = run(command)
        if status:
            problems.append('%s failed: %s' % (command[1], out.strip()[:200]))
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


def commands():
    """Blocks marked ```sh run``` are run as printed, in the top folder; each must succeed."""
    problems = []
    for page in tracked('*.md'):
        for block in re.findall(r'^```sh run\n(.*?)^```', open(page).read(), flags=re.S | re.M):
            with tempfile.NamedTemporaryFile('w', suffix='.sh') as f:
                f.write('set -e\n' + block)
                f.flush()
                status, out = run(['bash', f.name])
            if status:
                problems.append('%s: %r failed: %s' % (page, block.strip()[:80], out.strip()[-200:]))
    return problems


CHECKS = [
    ('generated-pages', generated),
    ('links', links),
    ('spelling', spelling),
    ('documented-commands', commands),
]
