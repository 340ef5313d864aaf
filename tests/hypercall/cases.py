# SPDX-License-Identifier: GPL-2.0-only
"""mutants --cases: sees every case of the hypercall tests fail once, and keeps the record of it.

One hypervisor is built in which each function of breaks.py's files can be made to return at once, while it runs.
The test kernel notes which of these places a case reaches without a defect, and switches them on one by one,
those that the fewest cases reach first, until the case fails. Where a machine or a guest ends, or hangs, with a
defect switched on, that is a failure too ("ended"), and after a restart others are tried. The record,
seen-to-fail beside this file, has a particular defect for each case."""

import concurrent.futures
import os
import re
import subprocess
import sys
import threading
import time

import bootlib
import breaks
import seeded

RECORD = os.path.join(bootlib.TOP, "tests/hypercall/seen-to-fail")
SECONDS = 3600      # of one boot, with all its restarts
SILENCE = 25        # a hang that the hypervisor did not end itself; a case is at most a few seconds silent
RECORDING = threading.Lock()


def cases_of(lines):
    """{where: its cases in their order}, from an ordinary boot: in dom0; in a guest; in one that uses FIFO events."""
    dom0 = [m[1] for m in (re.match(r"ok \d+ - (?!guest: [\w-]+: (?!another))(.*)", line) for line in lines) if m]
    guest = [m[1] for m in (re.match(r"ok \d+ - guest: ([\w-]+: (?!another).*)", line) for line in lines) if m]
    return {"dom0": dom0, "guest": [c for c in guest if not c.startswith("fifo: ")],
            "fifo": [c for c in guest if c.startswith("fifo: ")]}


def hexadecimal(cases, todo):
    """A bit for each case, the first in the lowest bit of the first digit."""
    return f"{sum(1 << i for i, c in enumerate(cases) if c in todo):x}"[::-1]


def boot(kernel, image, where, cases, todo):
    areas = ",".join(dict.fromkeys(c.split(": ")[0] for c in cases))
    bits = hexadecimal(cases, todo)
    args = (f"areas={areas} in-guest=version todo={bits}" if where == "dom0" else
            f"areas=guest case=runs in-guest={areas} guest-todo={bits}")
    return bootlib.Boot("pavise", kernel, args, seconds=SECONDS, silence=SILENCE, image=image, fail="(?!)")


def judge(lines, guest):
    """What a boot shows: {case: (how, place)}, and the cases that no place brought down."""
    fell, stood, trying = {}, set(), None
    for line in lines:
        m = re.match(r"# (guest: # )?(begins|tries|hangs|falls|unsure|stands|untidy) ?(\d+)?: (.*)", line)
        if not m or bool(m[1]) != guest:
            continue
        what, place, case = m[2], int(m[3] or 0), m[4]
        if what == "begins" and trying:
            fell[trying[0]] = ("ended", trying[1])
        trying = (case, place) if what == "tries" else None
        if what == "hangs":
            fell.setdefault(case, ("ended", place))
        elif what == "falls":
            fell[case] = ("not ok", place)
        elif what == "stands":
            stood.add(case)     # unless others ended it
    if trying:
        fell[trying[0]] = ("ended", trying[1])
    return fell, stood - set(fell)


class Search:
    """The state of it: {case: (how, defect)}; a case in a guest has "guest: " before it."""

    def __init__(self, kernel, again):
        self.kernel, self.lock = kernel, threading.Lock()
        self.tree = seeded.Tree("cases")
        self.places = seeded.places(bootlib.TOP, breaks.FILES, breaks.LEAVE, breaks.EXTRA)
        self.state = {} if again else {c: seen for c, seen in record().items() if seen[0] != "not yet"}
        self.cases = self.learn()
        self.names = dict(enumerate(self.places, 1))
        self.build({name: n for n, name in self.names.items()})

    def build(self, numbers):
        self.tree.change(seeded.seeded_texts(bootlib.TOP, self.places, numbers))
        error = self.tree.make()
        if error:
            sys.exit("the hypervisor does not build:\n" + error)

    def learn(self):
        """Which cases there are."""
        self.build({})
        b = bootlib.Boot("pavise", self.kernel, "", seconds=900, image=self.tree.image)
        if not b.finished:
            sys.exit("an ordinary boot does not reach its end: " + b.out)
        b.discard()
        return cases_of(b.lines)

    def save(self):
        """The record, with all cases; those that were not seen to fail."""
        everything = ["guest: " * (where != "dom0") + c for where, cases in self.cases.items() for c in cases]
        write_record({c: self.state.get(c, ("not yet", "")) for c in everything})
        return len(everything), [c for c in everything if c not in self.state]

    def look(self, where):
        """Boots until each case that is run there has failed, or nothing new is seen."""
        before = "" if where == "dom0" else "guest: "
        todo = {c for c in self.cases[where] if before + c not in self.state}
        while todo:
            b = boot(self.kernel, self.tree.image, where, self.cases[where], todo)
            fell, stood = judge(b.lines, where != "dom0")
            with self.lock:
                self.state.update({before + c: (how, self.names[n]) for c, (how, n) in fell.items()})
                self.save()
                print(f"{where}: {len(fell)} of {len(todo)} cases fail, {len(stood)} hold; "
                      f"{b.result.get('end')}, {b.result.get('wall')}", flush=True)
            b.discard()
            if not fell and not stood:
                break
            todo -= set(fell) | stood


def main(args):
    """Look at the cases that the record lacks, or with "--again" at all; the exit status."""
    again = "--again" in args
    search = Search(bootlib.build_kernel("hypercall"), again)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(search.look, [a for a in args if a in search.cases] or search.cases))
    total, missing = search.save()
    print(f"{total - len(missing)} of {total} cases were seen to fail")
    for c in missing:
        print(f"not seen to fail: {c}")
    return 1 if missing else 0


def record():
    """What is kept in the tree: {case: (how, defect)}; how is "not yet" for what was not seen to fail."""
    if not os.path.exists(RECORD):
        return {}
    with open(RECORD) as f:
        return {case: (how, name) for how, case, name in
                (line.rstrip("\n").split("\t") for line in f if not line.startswith("#"))}


def write_record(seen):
    rev = subprocess.run(["git", "-C", bootlib.TOP, "describe", "--always"], text=True,
                         stdout=subprocess.PIPE).stdout.strip()
    with open(RECORD, "w") as f:
        f.write("# Each case of the hypercall tests, and a defect of the hypervisor under which it was seen to fail: it\n"
                "# said so (not ok), or the machine or the guest ended or hung in it (ended). Or it was not seen yet.\n"
                f"# Written by tests/hypercall/mutants --cases, {time.strftime('%Y-%m-%d')}, Pavise {rev}, Bochs, 1 CPU.\n")
        for case, (how, name) in sorted(seen.items()):
            f.write(f"{how}\t{case}\t{name}\n")


def note(fell, name):
    """Cases that failed under a mutant, into the record, if it has nothing better."""
    with RECORDING:
        seen = record()
        fresh = {c: ("not ok", name) for c in fell if seen.get(c, [""])[0] in ("not yet", "ended")}
        if fresh:
            write_record({**seen, **fresh})


def check():
    """The defects can still be put into the sources; an error that ends it all when not."""
    places = seeded.places(bootlib.TOP, breaks.FILES, breaks.LEAVE, breaks.EXTRA)
    seeded.seeded_texts(bootlib.TOP, places, {name: n for n, name in enumerate(places, 1)})


def unrecorded(names):
    """Of the cases of a whole run: those that the record does not know, those that it says were not seen to fail
    yet, and what it has without a case."""
    kept = record()
    return ([n for n in names if n not in kept], [n for n in names if kept.get(n, [""])[0] == "not yet"],
            [n for n in kept if n not in names])
