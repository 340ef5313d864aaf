# SPDX-License-Identifier: GPL-2.0-only
"""Test suites that run inside dom0: boot an emulator with a script as dom0's work,
print the TAP it writes to its console, collect the outputs it records. The emulator is
Bochs, which has VT-x; a suite may have Debian's Xen run in QEMU, on AMD SVM."""

import argparse
import os
import queue
import re
import subprocess
import sys
import threading
import time

import bochs
import lablib

HVCMD = "com1=115200,8n1 console=com1 dom0_mem=512M loglvl=all guest_loglvl=all apicv=0"
XEN_HVCMD = {"bochs": " dom0=pvh dom0-iommu=none",
             "qemu": " dom0=pvh mwait-idle=0 cpuidle=0 cpufreq=none xsave=0"}
XEN = "/boot/xen-4.17-amd64.gz"
DEAD = r"Panic on CPU|FATAL TRAP|Kernel panic - not syncing: (?!Fatal exception in interrupt)|Manual reset required"
TAP = re.compile(r"@TAP (.*)$")
REC = re.compile(r"@REC ([\w.-]+)\| ?(.*)$")


def sh(*cmd):
    r = subprocess.run(cmd, stdout=subprocess.PIPE, text=True)
    if r.returncode:
        lablib.die(f"{os.path.basename(cmd[0])} failed")
    return r.stdout.strip()


class QemuRun:
    """A run of QEMU by run-qemu, driven as bochs.Run is."""

    def __init__(self, a):
        self.a, self.proc, self.ticks, self.lines = a, None, None, queue.Queue()
        self.serial = argparse.Namespace(listeners=[])

    def start(self):
        a = self.a
        argv = [os.path.join(lablib.HERE, "run-qemu"), "-v", "-k", a.hv, "-c", a.hvcmd, "-l", a.kernel, "-a", a.kcmd,
                "-i", a.initrd, "-n", str(a.cpus), "-m", str(a.mem), "-t", str(a.secs), "-o", a.out,
                "-e", a.end, "-f", a.fail] + (["-p"] if a.power_off else [])
        self.proc = lablib.spawn(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.proc.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def step(self):
        """What the machine has printed; why the run is over, or None."""
        try:
            line = self.lines.get(timeout=0.2)
        except queue.Empty:
            return None
        if line is None:
            self.proc.wait()
            m = re.search(r"\bend=(.*?) \w+=", lablib.read_small(os.path.join(self.a.out, "result.txt")))
            return m[1] if m else "failed"
        stamp, _, text = line.lstrip().partition("  ")
        for f in self.serial.listeners:
            f(stamp, text)
        return None

    def finish(self):
        if self.proc:
            lablib.reap(self.proc, 10)

    def passed(self, why):
        return self.proc.returncode == 0


class Suite:
    """A suite's images and its hypervisor; boot() as often as needed."""

    def __init__(self, name, argv=None, xen_in="bochs"):
        p = argparse.ArgumentParser()
        p.add_argument("--hv", choices=("pavise", "xen"), default=os.environ.get("HV") or "pavise")
        p.add_argument("--record", action="store_true", help="keep the recorded outputs as expected")
        p.add_argument("only", nargs="*", help="boots to run (default: all)")
        self.opt = p.parse_args(argv)
        lablib.interruptible()
        sys.stdout.reconfigure(line_buffering=True)
        self.name = name
        self.emulator = xen_in if self.opt.hv == "xen" else "bochs"
        self.build = lablib.build_dir()
        self.dir = os.path.join(self.build, "tests", f"{name}-{self.opt.hv}")
        os.makedirs(self.dir, exist_ok=True)
        self.failed = 0
        self.tools = os.path.join(self.build, "lab")
        os.makedirs(self.tools, exist_ok=True)
        self.kver = sh(os.path.join(lablib.HERE, "find-kernel"))
        self.bzimage = f"/boot/vmlinuz-{self.kver}"
        self.kernel = self._make(f"vmlinux-{self.kver}", [self.bzimage],
                                 lambda out: [os.path.join(lablib.HERE, "unpack-kernel"), self.bzimage, out])
        source = os.path.join(lablib.HERE, "dom0", "free-pages.c")
        self.free_pages = self._make("free-pages", [source],
                                     lambda out: ["gcc", "-O1", "-Wall", "-o", out, source, "-lxenctrl"])
        self.hv = XEN if self.opt.hv == "xen" else os.path.join(self.build, "pavise.gz")
        lablib.need_file(self.hv, "xen-hypervisor-4.17-amd64" if self.opt.hv == "xen" else None)

    def _make(self, name, sources, command):
        """A file of the build directory, made when older than a source; safe beside others."""
        out = os.path.join(self.tools, name)
        if os.path.exists(out) and all(os.path.getmtime(out) >= os.path.getmtime(s) for s in sources):
            return out
        tmp = f"{out}.{os.getpid()}"
        sh(*command(tmp))
        os.rename(tmp, out)
        return out

    def image(self, name, run, files, guest=True, modules=()):
        """dom0's initramfs with script @run and further @files {place: file}, kernel @modules."""
        out = os.path.join(self.dir, f"{name}.cpio")
        cmd = [os.path.join(lablib.HERE, "mkdom0"), "-o", out, "-s", "full", "-r", run,
               "-f", f"{self.free_pages}=/usr/bin/free-pages"]
        if guest:
            cmd += ["-g", self.kernel]
        own = os.path.join(self.build, "tools", "pavise-p2m")
        if self.opt.hv == "pavise" and os.path.exists(own):
            cmd += ["-f", f"{own}=/usr/sbin/pavise-p2m"]
        for m in modules:
            cmd += ["-m", m]
        for place, path in files.items():
            cmd += ["-f", f"{path}={place}"]
        sh(*cmd)
        return out

    def wanted(self, name):
        return not self.opt.only or name in self.opt.only

    def options(self, name, initrd, **kw):
        cpus = kw.get("cpus", 1)
        hvcmd = HVCMD + kw.get("hvcmd", "")
        if self.opt.hv == "xen":
            hvcmd += XEN_HVCMD[self.emulator]
            if cpus > 1 and self.emulator == "bochs":
                hvcmd += " x2apic_phys=1 dom0_max_vcpus=1"
        if "noreboot" in kw:
            hvcmd += " noreboot" if kw["noreboot"] else ""
        else:
            hvcmd += " noreboot"
        if os.environ.get("HV_EXTRA"):
            hvcmd += " " + os.environ["HV_EXTRA"]
        return argparse.Namespace(
            hv=kw.get("hv", self.hv), hvcmd=hvcmd, kernel=kw.get("kernel", self.kernel), initrd=initrd,
            modules=[], iso=None, disk=kw.get("disk"), nic=kw.get("nic", False),
            kcmd="console=hvc0 earlyprintk=xen cryptomgr.notests " + kw.get("kcmd", ""),
            cpus=cpus, mem=kw.get("mem", 1024), secs=kw.get("secs", 1200),
            silence=kw.get("silence", 400), out=os.path.join(self.dir, name),
            end=kw.get("end", r"=== DOM0 DONE"), fail=kw.get("fail", DEAD), power_off=kw.get("power_off", True),
            model=None, stamp=True, ips=50000000, quantum=None, extra=[], debug=[], interactive=False,
            bios="/usr/share/bochs/BIOS-bochs-latest")

    @staticmethod
    def drive(run):
        """The machine from power-on to the end of the run; why it ended."""
        why = None
        try:
            run.start()
            while not why:
                why = run.step()
        except KeyboardInterrupt:
            why = "interrupted"
        finally:
            run.finish()
        if why == "interrupted":
            sys.exit(130)
        return why

    def boot(self, name, title, initrd, listener=None, **kw):
        """One run of the machine. Prints the TAP of inside and a test of its own that
        the machine did what it should. Returns (the run, recorded outputs)."""
        print(f"# suite: {title}")
        o = self.options(name, initrd, **kw)
        run = (QemuRun if self.emulator == "qemu" else bochs.Run)(o)
        records, state = {}, {"plans": 0}

        def line(tick, text):
            m = TAP.search(text)
            if m:
                print(m[1])
                state["plans"] += m[1].startswith("1..")
            m = REC.search(text)
            if m:
                records.setdefault(m[1], []).append(m[2].rstrip())

        run.serial.listeners.append(line)
        if listener:
            run.serial.listeners.append(listener)
        begin = time.monotonic()
        why = self.drive(run)
        good = run.passed(why) and (state["plans"] >= kw.get("plans", 1) or not kw.get("tap", True))
        count = f"{run.ticks} instructions, " if run.ticks else ""
        print(f"# {title}: {time.monotonic() - begin:.0f} s, {count}end: {why}")
        self.test(good, kw.get("what", "dom0 ran the script to its end and powered off"))
        if not good:
            for t in lablib.last_words(o.out, 15):
                print(f"# {t}")
        run.why = why
        return run, records

    def test(self, good, text):
        """A test of the runner's own. It stands after a plan, in a document of one test."""
        print(f"{'ok' if good else 'not ok'} 1 - {text}\n1..1")
        self.failed += not good

    def tests(self, results):
        """A document of several (good, text)."""
        for i, (good, text) in enumerate(results, 1):
            print(f"{'ok' if good else 'not ok'} {i} - {text}")
            self.failed += not good
        print(f"1..{len(results)}")
