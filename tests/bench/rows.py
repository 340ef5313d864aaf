# SPDX-License-Identifier: GPL-2.0-only
"""The marks of the bench, and its table from the JSON file."""

import linux

# The most instructions Pavise may take.
MARKS = {
    "null hypercall (XENVER_version)": 300,
    "CPUID exit": 350,
    "RDMSR APIC base exit": 350,
    "port CF8 exit": 450,
    "event channel send, masked": 900,
    "event channel send to self, with the upcall": 1500,
    "foreign map, batch of 1": 2000,
    "foreign map, batch, per page of 512": 700,
    "foreign unmap, 1": 1400,
    "foreign page over a foreign page, per page of 64": 1200,
    "log-dirty write fault": 1500,
    "populate 4K, per page of 64": 1800,
    "decrease 4K, per page of 64": 1800,
    "populate one 2M page": 60000,
    "decrease one 2M page": 60000,
    "grant map": 2200,
    "grant unmap": 2400,
    "grant copy 4K": 3200,
    "createdomain": 100000,
    "life cycle of a 16 MiB domain, 4K pages": 8000000,
    "ping-pong with a domain on the same CPU": 6000,
    # a tenth of what Xen takes
    "hypervisor boot, first line to the building of dom0": 8500000,
}

# Fewer instructions than any exit takes: the row measures the guest's own.
NO_HYPERVISOR = 20


def names(data):
    """All rows, in the order in which they were measured."""
    seen = {}
    for entry in data["hypervisors"].values():
        for name in entry["rows"]:
            seen.setdefault(name)
    return list(seen)


def cells(data, name):
    """Xen, Pavise, their ratio, the mark, and whether it is met, as texts."""
    def number(hv):
        rows = data["hypervisors"].get(hv, {"rows": {}})["rows"]
        if name not in rows:
            return None, "-"
        value = rows[name]
        return value, "refused" if value is None else f"{value:,}"

    xen, xen_text = number("xen")
    pavise, pavise_text = number("pavise")
    ratio = f"{pavise / xen:.2f}" if xen and pavise is not None else ""
    mark = MARKS.get(name)
    if name == linux.ROW and data.get("bare"):
        mark = int(data["bare"] * linux.LIMIT)
    met = ""
    if mark and pavise is not None:
        met = "yes" if pavise <= mark else "NO"
    return xen_text, pavise_text, ratio, f"{mark:,}" if mark else "", met


def table(data):
    head = f"{'operation':52} {'Xen':>13} {'Pavise':>13} {'ratio':>6} {'mark':>10} met"
    yield head
    yield "-" * len(head)
    for name in names(data):
        xen, pavise, ratio, mark, met = cells(data, name)
        yield f"{name:52} {xen:>13} {pavise:>13} {ratio:>6} {mark:>10} {met}"


def markdown(data):
    yield "| operation | Xen | Pavise | ratio | mark | met |"
    yield "|---|---:|---:|---:|---:|---|"
    for name in names(data):
        yield "| " + " | ".join((name, *cells(data, name))) + " |"
