#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Print docs/abi-coverage.md: every operation of the public headers beside what
the hypervisor's tables say of it.

  docs/gen-abi-coverage.py [HEADERS] > docs/abi-coverage.md

HEADERS is where libxen-dev put the public headers (default /usr/include/xen).
An operation is "there" when a table has a row for it, "refused" when that row's
function only gives an error (the error is read from its body), and "absent" when
no row has it: then the answer is the family's, and a line in the log. At the end, what
xl and Debian's tools print that is not what they print on Xen: tests/xl compares it."""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
OTHER = os.path.join(TOP, "tests", "xl", "other-than-xen")
HEADERS = sys.argv[1] if len(sys.argv) > 1 else "/usr/include/xen"

# Families: title, header, prefix of its numbers, sources with the tables, answer to what is absent,
# numbers of the header that are no operations.
FAMILIES = [
    ("Hypercalls", "xen.h", "__HYPERVISOR_", ["xen/common/hypercall.c"], "-ENOSYS",
     r"_compat$|^VIRT_|^arch_[02-7]$|^sched_op_compat|^dom0_op$"),
    ("memory_op", "memory.h", "XENMEM_", ["xen/common/memory.c"], "-ENOSYS",
     r"_op_|^RDM_|^resource_|^MEM|^SHARING|^FORK|^access_[nrwxd]|^mem|^sharing_op_"),
    ("event_channel_op", "event_channel.h", "EVTCHNOP_", ["xen/common/event_op.c"], "-ENOSYS", r"^reset_cont$"),
    ("grant_table_op", "grant_table.h", "GNTTABOP_", ["xen/common/grant_table.c"], "-ENOSYS", r"^$"),
    ("vcpu_op", "vcpu.h", "VCPUOP_", ["xen/common/vcpu_op.c"], "-ENOSYS", r"^$"),
    ("sched_op", "sched.h", "SCHEDOP_", ["xen/common/sched_op.c"], "-ENOSYS", r"^$"),
    ("hvm_op", "hvm/hvm_op.h", "HVMOP_", ["xen/common/hvm_op.c"], "-ENOSYS", r"^altp2m_|^ALTP2M"),
    ("HVM parameters", "hvm/params.h", "HVM_PARAM_", ["xen/common/hvm_op.c"], "-EINVAL",
     r"^CALLBACK_(IRQ_|TYPE_)|^MEMORY_EVENT"),
    ("xen_version", "version.h", "XENVER_", ["xen/common/version.c"], "-ENOSYS", r"^$"),
    ("console_io", "xen.h", "CONSOLEIO_", ["xen/common/console_io.c"], "-ENOSYS", r"^$"),
    ("physdev_op", "physdev.h", "PHYSDEVOP_", ["xen/common/physdev.c"], "-ENOSYS", r"^[A-Z]|^pirq_eoi_gmfn$"),
    ("platform_op", "platform.h", "XENPF_", ["xen/common/platform.c"], "-ENOSYS", r"^[A-Z]|^settime$"),
    ("domctl", "domctl.h", "XEN_DOMCTL_", ["xen/common/domctl.c"], "-ENOSYS",
     r"^[A-Z]|^[a-z_]+_op_|^vuart_op|^monitor_(op|event)|^set_access_required$|^iommu_|^dev_|^scheduler_op$|"
     r"^vm_event_op$|^_|^vmtrace_|^psr_[a-z]+_|^cat|^set_$"),
    ("sysctl", "sysctl.h", "XEN_SYSCTL_", ["xen/common/sysctl.c"], "-ENOSYS",
     r"^[A-Z]|_op_|^_|^get_$|^tbuf_|^cpu_policy_|^cpu_featureset_|^psr_[a-z]+_|^cpuid_|^sched_id_"),
    ("dm_op", "hvm/dm_op.h", "XEN_DMOP_", ["xen/arch/x86/dm_op.c"], "-EOPNOTSUPP", r"^[A-Z]|^_|^no_gfns$"),
]


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def header_numbers(header, prefix, skip):
    """Name (without the prefix) and number, in the order of the numbers."""
    found = {}
    for name, value in re.findall(rf"^#\s*define\s+{prefix}(\w+)\s+(0x[0-9a-fA-F]+|\d+)\b",
                                  read(os.path.join(HEADERS, header)), re.M):
        if not re.search(skip, name):
            found[name] = int(value, 0)
    return sorted(found.items(), key=lambda item: item[1])


def functions(text):
    """Bodies of the functions of a source, comments removed, by name."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    bodies = dict(re.findall(r"^(?:static )?(?:noinline )?\w[\w ]*?\*?(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", text, re.M | re.S))
    bodies.update(re.findall(r"^static \w[\w ]*?(\w+)\([^;{}]*\) \{ (.*?) \}$", text, re.M))
    return bodies


def rows(text, prefix):
    """Function by operation: designated rows, rows with the number first, macro rows, cases."""
    found = {}
    for name, fn in re.findall(rf"\[{prefix}(\w+)\]\s*=\s*\{{\s*\"[^\"]*\",\s*(\w+)", text):
        found[name] = fn
    for name, fn in re.findall(rf"^\s*\{{\s*{prefix}(\w+),\s*\"[^\"]*\",\s*(\w+)", text, re.M):
        found.setdefault(name, fn)
    paste = re.search(rf"#define (\w+)\(([^)]*)\)[^\n]*(?:\\\n)?[^\n]*\[{prefix}##n\]\s*=\s*(\{{[^}}]*)", text)
    if paste:
        for args in re.findall(rf"^\s*{paste.group(1)}\((.*?)\),?$", text, re.M):
            names = [a.strip() for a in args.split(",")]
            second = re.search(r"\bfn\b", paste.group(2))
            found.setdefault(names[0], names[1] if second else
                             ("do_" if "do_##n" in paste.group(3) else "") + names[0])
    for name in re.findall(rf"\bcase {prefix}(\w+):", text) + re.findall(rf"cmd [!=]= {prefix}(\w+)\b", text):
        found.setdefault(name, "")
    return found


def refusal(body):
    """The error a function gives whatever it is asked, or None."""
    if body is None:
        return None
    returns = re.findall(r"return ([^;]*);", body)
    if "hypercall_unimplemented" in body and len(returns) <= 2 and all("unimplemented" in r or "-E" in r for r in returns):
        return "-ENOSYS"
    if returns and all(re.fullmatch(r"-E\w+", r) for r in returns) and len(set(returns)) == 1:
        return returns[0]
    return None


def commands():
    """What xl and the tools say otherwise than on Xen, and why."""
    print("\n## xl and the tools\n\nWhat they print here and not on Xen, word for word, and why. All else that "
          "`make check-xl` compares is as on Xen.")
    for name in sorted(os.listdir(OTHER)):
        reason, *lines = read(os.path.join(OTHER, name)).splitlines()
        print(f"\n{reason.removeprefix('# ')} (`{name}`):\n\n```\n" + "\n".join(lines) + "\n```")


def main():
    print("# ABI coverage\n\nMade by `docs/gen-abi-coverage.py` from the hypervisor's tables and the public headers; not to be "
          "edited.\n\nThere: the table has it. Refused: it has a row that says why not, by this error. Absent: the "
          "answer is the error given, and one line in the log.\n")
    total = 0
    for title, header, prefix, sources, absent, skip in FAMILIES:
        paths = [os.path.join(TOP, s) for s in sources if os.path.exists(os.path.join(TOP, s))]
        text = "\n".join(read(p) for p in paths)
        table, bodies = rows(text, prefix), functions(text)
        lines, there = [], 0
        for name, number in header_numbers(header, prefix, skip):
            fn = table.get(name)
            error = refusal(bodies.get(fn)) if fn else None
            if fn is None:
                state = f"absent: {absent}"
            elif error:
                state = f"refused: {error}"
            else:
                state, there = "there", there + 1
            lines.append(f"| {number} | {name} | {state} |")
        own = sorted(set(table) - {n for n, _ in header_numbers(header, prefix, "^$")})
        total += there
        print(f"## {title}\n\n{there} of {len(lines)} are there.\n\n| number | name | |\n|---|---|---|")
        print("\n".join(lines) + "\n")
        if own:
            print("Not of the headers' numbers: " + ", ".join(own) + ".\n")
    print(f"In all {total} operations and parameters are there.")
    commands()


main()
