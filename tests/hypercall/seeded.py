# SPDX-License-Identifier: GPL-2.0-only
"""A copy of the hypervisor's sources with a defect built in, or with many to switch on."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys

import bootlib
import breaks


def source(tree, path):
    return os.path.join(tree, "xen", path)


class Tree:
    """A copy of the sources with a build directory of its own."""

    def __init__(self, number):
        self.top = os.path.join(bootlib.BUILD, "mutants-hypercall", str(number))
        self.build = os.path.join(self.top, "build")
        self.image = os.path.join(self.build, "pavise.gz")
        self.src = os.path.join(self.top, "src")
        self.changed = {}
        shutil.rmtree(self.src, ignore_errors=True)
        os.makedirs(self.src)
        # with new times: what was built of a defect before must not stay
        for d in ("xen", "config"):
            subprocess.run(["cp", "-rP", os.path.join(bootlib.TOP, d), self.src], check=True)
        shutil.copy2(os.path.join(bootlib.TOP, "Config.mk"), self.src)

    def make(self):
        """None, or the end of what the compiler says."""
        r = subprocess.run(["make", "-s", "-j2", "-C", os.path.join(self.src, "xen"), f"O={self.build}",
                            *([f"CC={os.environ['CC']}"] if os.environ.get("CC") else [])],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        return None if r.returncode == 0 else "\n".join(r.stdout.splitlines()[-8:])

    def change(self, texts):
        """Write files of the hypervisor, {path: text}; those of the call before are as they were. Only what
        differs is written: it is what make builds again."""
        for path in set(self.changed) - set(texts):
            if os.path.exists(source(bootlib.TOP, path)):
                shutil.copy(source(bootlib.TOP, path), source(self.src, path))
            else:
                os.remove(source(self.src, path))
        for path, text in texts.items():
            if self.changed.get(path) != text:
                with open(source(self.src, path), "w") as f:
                    f.write(text)
        self.changed = dict(texts)


def results(kind):
    """What a function of this return type can wrongly return: [(in words, statement)]."""
    if kind == "void":
        return [("does nothing", "return;")]
    if kind.endswith("*"):
        return [("returns NULL", "return NULL;")]
    if kind == "bool":
        return [("returns false", "return false;"), ("returns true", "return true;")]
    if re.fullmatch(r"(unsigned |signed )?(int|long|char|short)|[us](8|16|32|64)|size_t|s_time_t|gpa_t|paddr_t|enum \w+", kind):
        return [("returns 0", f"return ({kind})0;"), ("returns -EXDEV", f"return ({kind})-18;")]
    return [("returns zeros", f"return ({kind}){{ 0 }};")]


def functions(tree, files):
    """The functions of these files: [(path, name, return type, where its body begins in the text)]."""
    paths = [p for pattern in files for p in sorted(glob.glob(os.path.join(tree, "xen", pattern)))]
    tags = subprocess.run(["ctags", "--output-format=json", "--languages=C", "--kinds-C=f", "--fields=+n", "-f", "-"] +
                          paths, stdout=subprocess.PIPE, text=True, check=True).stdout
    for tag in map(json.loads, tags.splitlines()):
        with open(tag["path"]) as f:
            text = f.read()
        at = sum(len(line) for line in text.splitlines(True)[:tag["line"] - 1])
        m = re.compile(r"([^;{}]*?)\b" + tag["name"] + r"\((?:[^;{}()]|\([^;{}()]*\))*\)\s*\{").match(text, at)
        if m and "__init" not in m[0]:
            kind = re.sub(r"\b(static|inline|always_inline|noinline|const|__\w+)\b(\([^)]*\))?", "", m[1])
            yield os.path.relpath(tag["path"], os.path.join(tree, "xen")), tag["name"], " ".join(kind.split()), m.end()


def places(tree, files, leave, extra):
    """Where defects are put: {"file: function() result": (path, position in the text, text to insert)}; from the rows
    of extra, which come first, {name: (path, text that is there, text that replaces it)}. SEEDED in it: the defect is switched on."""
    found = {name: (path, old, new) for name, path, old, new in extra}
    found.update({f"{os.path.basename(path)[:-2]}: {name}() {words}": (path, at, " if (SEEDED) " + statement)
             for path, name, kind, at in functions(tree, files) if not re.fullmatch(leave, name)
             for words, statement in results(kind)})
    return found


def seeded_texts(tree, found, numbers):
    """{path: text} of the files to change, so that each defect is switched on by its number."""
    texts = {}

    def change(path, how):
        if path not in texts:
            with open(source(tree, path)) as f:
                texts[path] = f.read()
        texts[path] = how(texts[path])

    rows = [(path, at, what.replace("SEEDED", f"seeded_at({numbers[name]})"), numbers[name])
            for name, (path, at, what) in found.items() if name in numbers]
    for path, at, what, _ in sorted((r for r in rows if isinstance(r[1], int)), key=lambda r: (r[0], -r[1], -r[3])):
        change(path, lambda t: t[:at] + what + t[at:])
    for path, old, what, n in (r for r in rows if isinstance(r[1], str)):
        pattern = r"\s*".join(re.escape(word) for word in old.split())
        change(path, lambda t: re.sub(pattern, lambda m: what, t))
        if what not in texts[path]:
            sys.exit(f"mutants: xen/{path}: there is no: {old}")
    for path, old, new in breaks.SUPPORT:
        change(path, lambda t: t.replace(old, new))
    change("common/objs.mk", lambda t: t + "objs-y += seeded.o lost.o\n")
    change("include/xen/config.h", lambda t: t.replace(
        "#include <xen/types.h>\n", "#include <xen/types.h>\n#include <xen/seeded.h>\n"))
    change("common/hypercall.c", lambda t: re.sub(
        r"(void hypercall_dispatch\(struct vcpu \*v\)\s*\{)",
        r"\1 if (v->arch.regs.rax == 0x5eed) { v->arch.regs.rax = (unsigned long)seeded_op(v->arch.regs.rdi, "
        r"v->arch.regs.rsi); hvm_skip_instruction(v, VMCALL_LENGTH); return; }", t))
    change("arch/x86/shutdown.c", lambda t: re.sub(
        r"(void machine_halt\(void\)\s*\{)", r"\1 if (seeded_machine) { seeded_machine = false; machine_restart(); }", t))
    change("Makefile", lambda t: t.replace(" -Werror ", " -w "))
    for path in ("common/seeded.c", "common/lost.c", "include/xen/seeded.h"):
        with open(os.path.join(bootlib.TOP, "tests/hypercall/defects", os.path.basename(path))) as f:
            texts[path] = f.read()
    return texts
