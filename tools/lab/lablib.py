# SPDX-License-Identifier: GPL-2.0-only
"""What the emulator runners share: options, child processes that never outlive
their parent, the reader that stamps serial lines, end conditions, result file."""

import argparse
import contextlib
import ctypes
import errno
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


def die(msg):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {msg}")


def _explain(kind, e, trace):
    if kind is KeyboardInterrupt:
        return
    # a full disk or a directory of somebody else's is no defect of ours: one line, no traceback
    if not isinstance(e, OSError) or not e.strerror:
        return sys.__excepthook__(kind, e, trace)
    hint = "; make room, or build elsewhere: make O=/some/other/directory" if e.errno == errno.ENOSPC else ""
    sys.stderr.write(f"{os.path.basename(sys.argv[0])}: {e.filename or ''}: {e.strerror}{hint}\n")


sys.excepthook = _explain


def need_program(name, package):
    """The path of program @name, or an end with the line that installs it."""
    for d in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]:
        p = os.path.join(d, name)
        if os.access(p, os.X_OK):
            return p
    die(f"{name} is not installed; as root: apt-get install {package}")


def need_file(path, package=None):
    if not os.path.isfile(path):
        hint = f"; as root: apt-get install {package}" if package else ""
        die(f"no such file: {path}{hint}")
    return path


def build_dir():
    """Where everything made goes: $O, as the Makefile sets it, or build/."""
    return os.path.abspath(os.environ.get("O") or os.path.join(TOP, "build"))


def read_small(path, default=""):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except OSError:
        return default


def _die_with_parent():
    # PR_SET_PDEATHSIG: even a SIGKILL of this script leaves no emulator behind
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def spawn(argv, **kw):
    """A child in a session of its own: a Ctrl-C on the terminal is for us to handle."""
    return subprocess.Popen(argv, start_new_session=True, preexec_fn=_die_with_parent, **kw)


def interruptible():
    """SIGTERM and SIGHUP unwind like Ctrl-C, so that every clean-up runs."""
    def unwind(sig, frame):
        raise KeyboardInterrupt
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, unwind)


@contextlib.contextmanager
def undisturbed():
    """A second Ctrl-C has no effect until this is done."""
    here = threading.current_thread() is threading.main_thread()    # elsewhere Python takes no signals
    before = {s: signal.signal(s, signal.SIG_IGN)
              for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if here}
    try:
        yield
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)


def peak_rss_mib(pid):
    m = re.search(r"VmHWM:\s+(\d+)", read_small(f"/proc/{pid}/status"))
    return int(m.group(1)) // 1024 if m else 0


def arguments(doc, emulator):
    """The options both runners have; the same letters mean the same in both."""
    p = argparse.ArgumentParser(description=doc, allow_abbrev=False)
    p.add_argument("-k", dest="hv", metavar="FILE", help="multiboot2 hypervisor; '-' boots the kernel bare")
    p.add_argument("-c", dest="hvcmd", default="", metavar="ARGS", help="its command line")
    p.add_argument("-l", dest="kernel", metavar="FILE", help="dom0 kernel (first module)")
    p.add_argument("-a", dest="kcmd", default="", metavar="ARGS", help="its command line")
    p.add_argument("-i", dest="initrd", metavar="FILE", help="initramfs (second module)")
    p.add_argument("-M", dest="modules", action="append", default=[], metavar="FILE[:ARGS]",
                   help="a further module; may be repeated")
    p.add_argument("-n", dest="cpus", type=int, default=1, metavar="N", help="CPUs (default 1)")
    p.add_argument("-m", dest="mem", type=int, default=1024, metavar="MB", help="memory (default 1024)")
    p.add_argument("-o", dest="out", metavar="DIR", help="where logs and the result go")
    p.add_argument("-t", dest="secs", type=float, default=300, metavar="S", help="wall seconds at most (default 300)")
    p.add_argument("-s", dest="silence", type=float, metavar="S", help="wall seconds at most without a serial line")
    p.add_argument("-e", dest="end", metavar="REGEX", help="a serial line that ends the run with success")
    p.add_argument("-f", dest="fail", metavar="REGEX", help="a serial line that ends the run with failure")
    p.add_argument("-p", dest="power_off", action="store_true",
                   help="success is that the machine powers itself off (after -e, when given)")
    p.add_argument("--iso", metavar="FILE", help="boot this ISO instead of making one")
    p.add_argument("--disk", metavar="FILE", help="raw disk image on the first IDE channel")
    p.add_argument("--nic", action="store_true", help="an e1000 network card")
    p.add_argument("-C", dest="model", metavar="CPU", help="CPU model")
    p.add_argument("-v", dest="verbose", action="store_true", help="copy the serial lines to stdout")
    p.add_argument("-T", dest="stamp", action="store_false", help="do not stamp the serial lines")
    a = None
    if emulator == "bochs":
        p.add_argument("--ips", type=int, default=50000000)
        p.add_argument("-q", dest="quantum", type=int, metavar="N", help="SMP: instructions per CPU turn")
        p.add_argument("-b", dest="bios", default="/usr/share/bochs/BIOS-bochs-latest")
        p.add_argument("-x", dest="extra", action="append", default=[], metavar="LINE", help="bochsrc line")
        p.add_argument("-d", dest="debug", action="append", default=[], metavar="CMD",
                       help="debugger command at the end of the run; may be repeated")
        p.add_argument("-I", dest="interactive", action="store_true", help="the serial port is this terminal")
        p.add_argument("-D", dest="debugger", action="store_true", help="Bochs's debugger is this terminal")
    else:
        p.add_argument("-I", dest="icount", type=int, metavar="SHIFT", help="count instructions (one CPU)")
        p.add_argument("-G", dest="iommu", action="store_false", help="no IOMMU")
        p.add_argument("--efi", action="store_true", help="OVMF instead of the BIOS")
        p.add_argument("--machine", default="q35", help="q35 (default) or pc (i440fx)")
        p.add_argument("-x", dest="extra", action="append", default=[], metavar="ARGS", help="QEMU arguments")
    a = p.parse_args()
    if not a.out or not (a.hv or a.iso):
        p.error("-o and -k (or --iso) are needed")
    return a


def make_iso(a, platform="pc"):
    """The boot ISO of the run: the one given, or a new one in the output directory."""
    if a.iso:
        return os.path.realpath(need_file(a.iso))
    iso = os.path.join(a.out, "boot.iso")
    cmd = [os.path.join(HERE, "mkiso"), "-p", platform, "-o", iso, "-k", a.hv, "-c", a.hvcmd]
    if a.kernel:
        cmd += ["-l", a.kernel, "-a", a.kcmd]
    if a.initrd:
        cmd += ["-i", a.initrd]
    for m in a.modules:
        cmd += ["-M", m]
    if subprocess.run(cmd).returncode:
        die("the boot image could not be made")
    return iso


class Serial:
    """Collects what the machine prints. Each finished line is kept with its stamp,
    written to the stamped log and handed to the listeners (stamp, text)."""

    def __init__(self, raw_path, stamped_path):
        self.raw = open(raw_path, "wb", buffering=0)
        self.stamped = open(stamped_path, "w", buffering=1) if stamped_path else None
        self.partial = bytearray()
        self.listeners = []
        self.lines = 0

    def put(self, stamp, data):
        """@data arrived at @stamp (of its last byte)."""
        self.raw.write(data)
        self.partial += data
        while True:
            i = self.partial.find(b"\n")
            if i < 0:
                break
            text = self.partial[:i].decode("utf-8", "replace").replace("\r", "")
            del self.partial[:i + 1]
            self.lines += 1
            if self.stamped:
                self.stamped.write(f"{stamp:>14}  {text}\n")
            for f in self.listeners:
                f(stamp, text)

    def close(self):
        if self.partial:
            if self.stamped:
                self.stamped.write(f"{'(unfinished)':>14}  {self.partial.decode('utf-8', 'replace')}\n")
            self.partial.clear()
        self.raw.close()
        if self.stamped:
            self.stamped.close()


class Verdict:
    """End conditions as a listener: -e, -f, the clock, and silence for too long."""

    def __init__(self, a):
        self.end = re.compile(a.end) if a.end else None
        self.fail = re.compile(a.fail) if a.fail else None
        self.deadline = time.monotonic() + a.secs
        self.end_seen = self.fail_seen = None
        self.silence = getattr(a, "silence", None)
        self.last = time.monotonic()

    def __call__(self, stamp, text):
        self.last = time.monotonic()
        if self.end and not self.end_seen and self.end.search(text):
            self.end_seen = time.monotonic()
        if self.fail and not self.fail_seen and self.fail.search(text):
            self.fail_seen = time.monotonic()

    def done(self, grace):
        """Why the run is over, or None. A machine that powers itself off right
        after the end line has an exact count: it gets @grace seconds for that; one
        that failed, two at most, to say more."""
        now = time.monotonic()
        if self.fail_seen and now - self.fail_seen > min(grace, 2):
            return "fail-pattern"
        if self.end_seen and now - self.end_seen > grace:
            return "pattern"
        if self.silence and now - self.last > self.silence:
            return f"silent for {self.silence} s"
        return "timeout" if now >= self.deadline else None


def last_words(out, lines=12):
    """The end of the serial log, and what the emulator itself complained of last."""
    said = [t[:160].rstrip("\r") for t in read_small(os.path.join(out, "serial.log")).splitlines()[-lines:]]
    own = [t[:160] for t in read_small(os.path.join(out, "bochs.log")).splitlines()[-4:]]
    return ["serial| " + t for t in said] + ["emulator| " + t for t in own]


def write_result(path, fields):
    """One line of key=value, whole or not at all."""
    fd, tmp = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(fd, "w") as f:
        f.write(" ".join(f"{k}={v}" for k, v in fields.items()) + "\n")
    os.chmod(tmp, 0o644)
    os.rename(tmp, path)


def reap(proc, patience=1.0):
    """End @proc, politely first; never leaves it running."""
    if proc is None or proc.poll() is not None:
        return
    proc.terminate()
    try:
        proc.wait(patience)
    except subprocess.TimeoutExpired:
        proc.kill()
        proc.wait()


def remove(*paths):
    for p in paths:
        try:
            os.unlink(p)
        except OSError:
            pass


class Poller:
    """A thin selector: register(fd, callback), poll(seconds)."""

    def __init__(self):
        self.sel = selectors.DefaultSelector()

    def register(self, fd, callback):
        self.sel.register(fd, selectors.EVENT_READ, callback)

    def unregister(self, fd):
        self.sel.unregister(fd)

    def poll(self, seconds):
        for key, _ in self.sel.select(seconds):
            key.data()
