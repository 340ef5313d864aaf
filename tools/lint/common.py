# SPDX-License-Identifier: GPL-2.0-only
"""What the checks share: the files of the project, and running a program."""
import os
import subprocess


def tracked(*patterns):
    """Files git knows (or would add) that match; names relative to the top."""
    # (whoever owns the tree: root may look at a user's)
    out = subprocess.run(['git', '-c', 'safe.directory=*', 'ls-files', '-co', '--exclude-standard', '--'] + list(patterns),
                         capture_output=True, text=True, check=True).stdout.split('\n')
    return sorted({f for f in out if f and os.path.isfile(f)})


def run(command, **kw):
    """(exit status, output and errors as one text); 127 when the program is missing."""
    try:
        p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace', **kw)
    except FileNotFoundError:
        return 127, '%s: not installed' % command[0]
    return p.returncode, p.stdout


def build_dir():
    return os.path.abspath(os.environ.get('O', 'build'))


def hypervisor_flags(compiler='gcc'):
    """Flags a hypervisor source is compiled with, as far as checkers need them."""
    public = os.path.join(build_dir(), 'lint', 'include', 'public')
    if not os.path.islink(public):
        os.makedirs(os.path.dirname(public), exist_ok=True)
        os.symlink('/usr/include/xen', public)
    inc = subprocess.run([compiler, '-print-file-name=include'], capture_output=True, text=True, check=True).stdout.strip()
    return ['-std=gnu11', '-ffreestanding', '-nostdinc', '-isystem', inc, '-Ixen/include', '-I' + os.path.dirname(public),
            '-include', 'xen/include/xen/config.h', '-DCONFIG_DEBUG=1', '-DCONFIG_UBSAN=0', '-DCONFIG_SELFTEST=0',
            '-fno-pic', '-mcmodel=kernel', '-mno-sse', '-mno-red-zone', '-Wno-unused-parameter']
