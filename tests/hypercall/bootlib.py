# SPDX-License-Identifier: GPL-2.0-only
"""Building a test kernel and booting it as dom0 of a hypervisor in Bochs: what the
hypercall tests and the bench share."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.realpath(os.environ.get("O") or os.path.join(TOP, "build"))
XEN = "/boot/xen-4.17-amd64.gz"
# apicv: Bochs 2.7 loses an interrupt whose virtual delivery takes an EPT exit
HV_ARGS = "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all noreboot apicv=0"
# Xen: PVH dom0 is not its default and it wants an IOMMU; the last works around Bochs's local
# APIC (logical destinations)
XEN_ARGS = "dom0=pvh dom0-iommu=none x2apic_phys=1"
# with more than one CPU: one that Xen means to wake by a write it monitors seems to sleep on in Bochs
XEN_SMP_ARGS = "mwait-idle=0"


def die(msg):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {msg}")


def need(program, package):
    for d in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]:
        if os.access(os.path.join(d, program), os.X_OK):
            return
    die(f"{program} is not installed; as root: apt-get install {package}")


def hypervisor(hv):
    """The image of the hypervisor that HV names."""
    if hv not in ("pavise", "xen"):
        die(f"HV={hv}: it is pavise or xen")
    if hv == "pavise":
        path = os.environ.get("PAVISE_IMAGE") or os.path.join(BUILD, "pavise.gz")
        hint = "make -C xen"
    else:
        path, hint = XEN, "as root: apt-get install xen-hypervisor-4.17-amd64"
    if not os.path.isfile(path):
        die(f"no {path}; {hint}")
    return path


def build_kernel(directory):
    """Build the kernel of tests/<directory>; its path."""
    r = subprocess.run(["make", "-s", "-C", os.path.join(TOP, "tests", directory), f"O={BUILD}"],
                       stdout=sys.stderr)
    if r.returncode:
        die(f"building tests/{directory} failed")
    return os.path.join(BUILD, "tests", directory, "kernel.elf")


class Boot:
    """One run: lines is the serial output, finished tells whether the end line was seen."""

    def __init__(self, hv, kernel, args, cpus=1, mem=1024, dom0_mem="256M", vcpus=2, seconds=300, silence=None,
                 end="hypercall-tests: done", hv_args="", out=None, image=None,
                 fail=r"^stubdom: panic|Hardware [Dd]om0 (crashed|halted|shutdown)|Panic on CPU|PANIC"):
        need("bochs-bin", "bochs bochsbios seabios")
        need("grub-mkrescue", "grub-common grub-pc-bin xorriso mtools")
        image = image or hypervisor(hv)
        self.out = out or tempfile.mkdtemp(prefix="boot-", dir=self.parent())
        cmd = [os.path.join(TOP, "tools/lab/run-bochs"), "-k", image,
               "-c", " ".join([HV_ARGS, XEN_ARGS if hv == "xen" else "",
                               XEN_SMP_ARGS if hv == "xen" and cpus > 1 else "", f"dom0_mem={dom0_mem}",
                               f"dom0_max_vcpus={vcpus}", hv_args,
                               os.environ.get("HV_EXTRA", "")]),
               "-l", kernel, "-a", f"early=e9 hv={hv} {args}", "-n", str(cpus), "-m", str(mem),
               "-t", str(seconds), "-e", end, "-f", fail, "-o", self.out,
               *(["-s", str(silence)] if silence else [])]
        r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.log = os.path.join(self.out, "serial.log")
        self.lines = self.read().splitlines()
        self.finished = any(re.search(end, line) for line in self.lines)
        self.output = r.stdout
        self.result = self.results()

    @staticmethod
    def parent():
        d = os.path.join(BUILD, "boots")
        os.makedirs(d, exist_ok=True)
        return d

    def read(self):
        try:
            with open(self.log, errors="replace") as f:
                return f.read().replace("\r", "")
        except OSError:
            return ""

    def results(self):
        """The fields of the runner's result file."""
        try:
            with open(os.path.join(self.out, "result.txt")) as f:
                return dict(re.findall(r"(\w+)=(\S+)", f.read()))
        except OSError:
            return {}

    def tail(self, count=25):
        return self.lines[-count:] or self.output.splitlines()[-count:]

    def discard(self):
        shutil.rmtree(self.out, ignore_errors=True)
