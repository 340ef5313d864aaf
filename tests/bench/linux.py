# SPDX-License-Identifier: GPL-2.0-only
"""What the start of Debian's Linux costs: the same kernel and initramfs boot bare and as
dom0, each on 512 MiB, and the instructions from the kernel's first line to the first line
of user space are compared.

The kernel prints only notices and worse: how fast the serial line is, and who waits for
it, is not the question."""

import os
import re
import subprocess
import sys

import bootlib

LAB = os.path.join(bootlib.TOP, "tools", "lab")
ROW = "Linux's boot, first line to user space"
LIMIT = 1.15        # of what it costs bare
FIRST, LAST = r"Linux version \d", r"=== DOM0 USERSPACE"


def made(path, source, command):
    """A file of the build directory, made when it is not there or older than its source."""
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if subprocess.run(command(path), stdout=sys.stderr).returncode:
            bootlib.die(f"{os.path.basename(command(path)[0])} failed")
    return path


def images():
    """The kernel as it is in /boot, unpacked, and an initramfs that does nothing."""
    release = subprocess.run([os.path.join(LAB, "find-kernel")], stdout=subprocess.PIPE, text=True).stdout.strip()
    packed = f"/boot/vmlinuz-{release}"
    here = os.path.join(bootlib.BUILD, "bench")
    unpacked = made(os.path.join(here, f"vmlinux-{release}"), packed,
                    lambda out: [os.path.join(LAB, "unpack-kernel"), packed, out])
    initrd = made(os.path.join(here, "initrd.cpio"), packed,
                  lambda out: [os.path.join(LAB, "mkdom0"), "-o", out, "-s", "small", "-r", "/bin/true"])
    return packed, unpacked, initrd


def measure(hv):
    """Instructions of a boot on @hv, or bare; None when it did not get there."""
    packed, unpacked, initrd = images()
    out = os.path.join(bootlib.Boot.parent(), f"linux-{hv}")
    kcmd = "cryptomgr.notests loglevel=6 "
    cmd = [os.path.join(LAB, "run-bochs"), "-i", initrd, "-o", out, "-t", "900", "-e", LAST]
    if hv == "bare":
        cmd += ["-k", "-", "-l", packed, "-m", "512", "-a", kcmd + "console=ttyS0,115200 earlyprintk=ttyS0,115200"]
    else:
        args = [bootlib.HV_ARGS, bootlib.XEN_ARGS if hv == "xen" else "", "dom0_mem=512M dom0_max_vcpus=1",
                os.environ.get("HV_EXTRA", "")]
        cmd += ["-k", bootlib.hypervisor(hv), "-c", " ".join(args), "-l", unpacked, "-m", "1024",
                "-a", kcmd + "console=hvc0 earlyprintk=xen"]
    subprocess.run(cmd, stdout=subprocess.DEVNULL)
    first = last = None
    with open(os.path.join(out, "ticks.log"), errors="replace") as f:
        for line in f:
            tick = line.split(None, 1)[0]
            if tick.isdigit() and first is None and re.search(FIRST, line):
                first = int(tick)
            elif tick.isdigit() and first and last is None and re.search(LAST, line):
                last = int(tick)
    if last is None:
        print(f"{hv}: Linux did not reach its user space; log: {out}", file=sys.stderr)
    return last and last - first
