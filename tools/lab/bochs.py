# SPDX-License-Identifier: GPL-2.0-only
"""One run of the Bochs emulator: its configuration, its serial port stamped with
the exact instruction count, its debugger, its end.

Bochs 2.7 as Debian ships it starts in its debugger, logs every register write of
the UART with the tick when told to, and takes commands on stdin. The log is read
through a FIFO while the machine runs, so stamps are there at once and no
log of a hundred megabytes is ever on disk.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
import tty

import lablib

# CPU counts Xen and Linux can make sense of: processors:cores:threads as Bochs
# numbers the APIC ids (other combinations have gaps, or more threads than ids)
TOPOLOGY = {1: "1", 2: "2", 3: "3", 4: "1:2:2", 8: "1:4:2"}
TIME0 = 946681200       # the RTC at power-on, fixed: the same machine every run
UART = re.compile(rb"^(\d+)d\[SER +\] com1 register write to +address: 0x(03f8|03fb) = 0x(..)")
TICK = re.compile(rb"^(\d{11,})")
ESCAPE = b"\x1c"        # Ctrl-\ : leaves an interactive run


def preload(directory):
    """The library that stands between Bochs and this machine, made when it is not there or old."""
    path, source = os.path.join(directory, "preload.so"), os.path.join(lablib.HERE, "preload.c")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        os.makedirs(directory, exist_ok=True)
        cc = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
        if not cc:
            lablib.die("no C compiler; as root: apt-get install gcc libc6-dev")
        tmp = f"{path}.{os.getpid()}"
        r = subprocess.run([cc, "-Wall", "-O1", "-shared", "-fPIC", "-o", tmp, source], stderr=subprocess.PIPE)
        if r.returncode:
            lablib.die("cannot build preload.so: " + r.stderr.decode())
        os.rename(tmp, path)
    return path


def config(a, iso, serial_mode, log):
    vga = "/usr/share/seabios/vgabios-stdvga.bin"
    lablib.need_file(a.bios, "bochsbios")
    lablib.need_file(vga, "seabios")
    count = TOPOLOGY.get(a.cpus)
    if not count:
        lablib.die(f"-n {a.cpus}: Bochs gives sensible topologies for {sorted(TOPOLOGY)} only")
    quantum = f", quantum={a.quantum}" if a.quantum else ""
    lines = [
        'display_library: rfb, options="timeout=0"',
        f"romimage: file={a.bios}",
        f"vgaromimage: file={vga}",
        f"megs: {a.mem}",
        f"cpu: model={a.model or 'corei7_haswell_4770'}, count={count}, ips={a.ips}, "
        f"reset_on_triple_fault=0{quantum}",
        "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
        "ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15",
        f'ata{1 if a.disk else 0}-master: type=cdrom, path="{iso}", status=inserted',
        "boot: cdrom",
        f"com1: enabled=1, {serial_mode}",
        f"clock: sync={'slowdown' if a.interactive else 'none'}, time0={TIME0}",
        "vga: extension=vbe, update_freq=1, realtime=0",
        "sound: waveoutdrv=dummy",
        f"log: {log}",
        "panic: action=fatal",
        "error: action=report",
        "info: action=ignore",
        "debug: action=ignore" + (", serial=report" if a.stamp else ""),
    ]
    if a.disk:
        lines.append(f'ata0-master: type=disk, mode=flat, path="{os.path.realpath(a.disk)}"')
    pci = "pci: enabled=1, chipset=i440fx"
    if a.nic:
        # ethmod vnet answers ARP, ping, DHCP and TFTP by itself: no host network
        tftp = os.path.join(a.out, "tftp")
        os.makedirs(tftp, exist_ok=True)
        lines.append(f'e1000: enabled=1, mac=52:54:00:12:34:56, ethmod=vnet, ethdev="{tftp}"')
        pci += ", slot1=e1000"
    return "\n".join([pci] + lines + a.extra) + "\n"


class Run:
    """Start with start(), then step() until it returns a reason; finish() always."""

    def __init__(self, a):
        self.a = a
        self.proc = self.master = self.saved_tty = self.reader = None
        self.ticks = None
        self.path = lambda name: os.path.join(a.out, name)
        os.makedirs(a.out, exist_ok=True)
        a.out = os.path.realpath(a.out)
        self.verdict = lablib.Verdict(a)
        lablib.remove(*[self.path(n) for n in ("serial.log", "ticks.log", "bochs.log", "result.txt",
                                               "log.fifo", "bochs.out", "serial.raw")])
        self.serial = lablib.Serial(self.path("serial.log"), self.path("ticks.log") if a.stamp else None)
        self.serial.listeners.append(self.verdict)
        self.peak = 0

    def start(self):
        a = self.a
        lablib.need_program("bochs-bin", "bochs")
        iso = lablib.make_iso(a)
        lablib.remove(iso + ".lock")
        if a.interactive:
            self.master, slave = os.openpty()
            tty.setraw(slave)
            mode = f"mode=term, dev={os.ttyname(slave)}"
        elif a.stamp:
            mode = f"mode=file, dev={os.devnull}"
        else:
            mode = f"mode=file, dev={self.path('serial.raw')}"
            open(self.path("serial.raw"), "wb").close()
        os.mkfifo(self.path("log.fifo"))
        with open(self.path("bochsrc"), "w") as f:
            f.write(config(a, iso, mode, self.path("log.fifo")))
        with open(self.path("cmds"), "w") as f:
            f.write("c\n")
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        env = dict(os.environ, LD_PRELOAD=preload(os.path.join(lablib.build_dir(), "lab")))
        self.begin = time.monotonic()
        self.out = open(self.path("bochs.out"), "wb")
        argv = ["bochs-bin", "-q", "-f", "bochsrc"]
        if getattr(a, "debugger", False):       # its prompt is on this terminal, whose Ctrl-C stops the machine
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.proc = subprocess.Popen(argv, cwd=a.out, env=env, restore_signals=True,
                                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
            return
        self.proc = lablib.spawn(argv + ["-rc", "cmds"], cwd=a.out, env=env,
                                 stdin=subprocess.PIPE, stdout=self.out, stderr=subprocess.STDOUT)
        if a.interactive and sys.stdin.isatty():
            self.saved_tty = termios.tcgetattr(0)
            tty.setraw(0)

    def _read_log(self):
        """Thread: Bochs's log, UART writes taken out and put together to lines."""
        line, dlab, stamp = bytearray(), False, 0
        with open(self.path("log.fifo"), "rb") as f, open(self.path("bochs.log"), "wb") as keep:
            for l in f:
                if b"d[SER   ]" not in l:
                    keep.write(l)
                    m = TICK.match(l)
                    if m:
                        self.last_logged = int(m.group(1))
                    continue
                m = UART.match(l)
                if not m:
                    continue
                byte = int(m.group(3), 16)
                if m.group(2) == b"03fb":
                    dlab = bool(byte & 0x80)
                elif not dlab:
                    stamp = int(m.group(1))
                    line.append(byte)
                    if byte == 10 or self.a.interactive:
                        self.serial.put(stamp, bytes(line))
                        line.clear()
            if line:
                self.serial.put(stamp, bytes(line))

    def step(self, seconds=0.2):
        """Let the machine run for a while. Why the run is over, or None."""
        if self.a.interactive:
            why = self._relay(seconds)
            if why:
                return why
        else:
            time.sleep(seconds)
        if not self.a.stamp:
            self._follow_raw()
        self.peak = lablib.peak_rss_mib(self.proc.pid) or self.peak
        if self.proc.poll() is not None:
            if self.a.stamp:
                self.reader.join(5)
            return "power-off"
        why = self.verdict.done(600 if self.a.power_off else 2)
        return None if why == "timeout" and (self.a.interactive or not self.proc.stdin) else why

    def _follow_raw(self):
        with open(self.path("serial.raw"), "rb") as f:
            f.seek(self.serial.raw.tell())
            data = f.read()
        if data:
            self.serial.put(0, data)

    def _relay(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            r, _, _ = select.select([0, self.master], [], [], 0.05)
            if self.master in r:
                data = os.read(self.master, 4096)
                os.write(1, data)
                if not self.a.stamp:
                    self.serial.put(0, data)
            if 0 in r:
                data = os.read(0, 256)
                if not data or ESCAPE in data:
                    return "left"
                os.write(self.master, data)
        return None

    def finish(self):
        """Ask for the tick, end Bochs, put the terminal back. Safe at any moment."""
        with lablib.undisturbed():
            self._finish()

    def _finish(self):
        if self.saved_tty:
            try:
                termios.tcsetattr(0, termios.TCSADRAIN, self.saved_tty)
            except termios.error:       # the terminal itself is gone
                pass
            self.saved_tty = None
        self.wall = time.monotonic() - getattr(self, "begin", time.monotonic())
        if self.proc:
            if self.proc.poll() is None and self.proc.stdin:
                self._ask_debugger()
            lablib.reap(self.proc)
            if self.proc.stdin:
                self.proc.stdin.close()
            self.out.close()
        if self.reader and self.proc:
            self.reader.join(5)
        m = re.findall(r"ptime: (\d+)", lablib.read_small(self.path("bochs.out")))
        self.ticks = int(m[-1]) if m else getattr(self, "last_logged", None)
        self.serial.close()
        lablib.remove(*[self.path(n) for n in ("log.fifo", "cmds", "serial.raw", "boot.iso.lock")])
        if not self.a.iso:
            lablib.remove(self.path("boot.iso"))
        if self.master is not None:
            os.close(self.master)
            self.master = None

    def _ask_debugger(self):
        self.proc.send_signal(signal.SIGINT)    # back to the debugger's prompt
        time.sleep(0.3)
        try:
            self.proc.stdin.write("".join(c + "\n" for c in self.a.debug + ["ptime", "q"]).encode())
            self.proc.stdin.flush()
            self.proc.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            pass

    def passed(self, why):
        v = self.verdict
        if v.fail_seen or (v.end and not v.end_seen):
            return False
        if self.a.power_off:
            return why == "power-off"
        return bool(v.end) or why in ("power-off", "left")
