# SPDX-License-Identifier: GPL-2.0-only
"""What of a demo's run is compared with the same run on Debian's Xen: spans between two
stages, each with the largest ratio it may have. Figures are kept in tests/bench/demo.json."""

import hashlib
import json
import os
import subprocess

import lablib

RECORDED = os.path.join(lablib.TOP, "tests", "bench", "demo.json")
PACKAGES = ("xen-hypervisor-4.17-amd64", "xen-utils-4.17", "bochs")

# (text, from, to, the most that Pavise may take of Xen's instructions)
SPANS = (
    ("xl create, start to return", "create", "created", 0.65),
    ("hypervisor's to dom0's first line", "hv", "dom0", 0.20),
    ("GRUB's hand-over to power-off", "hv", "off", 0.80),
)


def load(path):
    try:
        with open(path) as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


def save(path, what):
    with open(path + ".part", "w") as f:
        json.dump(what, f, indent=1)
        f.write("\n")
    os.rename(path + ".part", path)


def digest(paths):
    h = hashlib.sha256()
    for p in paths:
        with open(p, "rb") as f:
            h.update(hashlib.file_digest(f, "sha256").digest())
    return h.hexdigest()


def figures(a, seen):
    """A run's figures, with what they depend on. @a: the emulator's options."""
    return {"inputs": digest([a.kernel, a.initrd]), "cpus": a.cpus, "mem": a.mem, "ticks": seen}


def versions():
    r = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return r.stdout.split("\n")[:-1]


def record(hv, mine, facts):
    """--record: this run's figures become the ones in the tree."""
    kept = load(RECORDED)
    kept[hv] = dict(mine, **facts)
    save(RECORDED, kept)


def same_machine(a, b, keys=("inputs", "cpus", "mem")):
    return all(a.get(k) == b.get(k) for k in keys)


def xen_for(mine, measured):
    """Xen's ticks to compare @mine with, and where they are from: the last run here (the file
    @measured) when it had the same images, else the recorded ones."""
    here, kept = load(measured), load(RECORDED).get("xen", {})
    if same_machine(here, mine):
        return here["ticks"], "measured here, with the same images"
    if same_machine(kept, mine, ("cpus", "mem")):
        images = "the same" if kept["inputs"] == mine["inputs"] else "other"
        return kept["ticks"], f"recorded, with {images} images"
    return None, None


def compare(seen, xen):
    """(text, instructions, Xen's or None, ratio or None, mark) of each span that was seen."""
    for text, a, b, mark in SPANS:
        if a not in seen or b not in seen:
            continue
        n = seen[b] - seen[a]
        x = xen[b] - xen[a] if xen and a in xen and b in xen else None
        yield text, n, x, n / x if x else None, mark
