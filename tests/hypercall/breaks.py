# SPDX-License-Identifier: GPL-2.0-only
"""What `mutants --cases` breaks: each function of these files returns at once, with each of some results; and
what else is needed to see every case of the hypercall tests fail."""

# what a guest sees; without what the hypervisor itself stands on
FILES = [
    "common/access.c", "common/console_io.c", "common/domain*.c", "common/domctl*.c", "common/event_*.c",
    "common/grant_*.c", "common/guest_area.c", "common/hvm_op.c", "common/hypercall.c", "common/iocap.c",
    "common/keyhandler.c", "common/memory*.c", "common/page_ref.c", "common/physdev.c", "common/platform.c",
    "common/rangeset.c", "common/sched.c", "common/sched_ctl.c", "common/sched_op.c", "common/sysctl.c", "common/vcpu_op.c", "common/version.c",
    "arch/x86/domctl*.c", "arch/x86/dm_op.c", "arch/x86/sysctl.c", "arch/x86/pavise_op.c",
    "arch/x86/guest_access.c", "arch/x86/cpu/policy*.c", "arch/x86/hvm/*.c", "arch/x86/p2m/*.c",
    "arch/x86/time/pvclock.c", "arch/x86/time/rtc.c", "arch/x86/vmx/exit.c", "arch/x86/vmx/msr.c",
    "arch/x86/vmx/vmx.c",
]

# ... nor what every case ends with, or what is called again until it returns something else
LEAVE = "|".join("""vmx_run vmx_handle_exit hypercall_dispatch hvm_skip_instruction exit_external_interrupt load_vcpu run_vcpu
    cpu_main_loop ept_cmpxchg ept_replace ept_replace_locked replace become_ready context_switch schedule idle save_loaded
    guest_access_invalidate easy_begin gfn_miss allowed_cpus choose_cpu lock_queue vcpu_runnable set_runstate tell_others
    current_vtime slice_over_fn assist hvm_intr_assist vlapic_pending_vector vmx_inject insn_len""".split())

# more: what is broken, file, what is there, what stands there instead (SEEDED: it is broken now)
EXTRA = [
    ("exceptions: all are intercepted, and another one is injected", "arch/x86/vmx/vmx.c",
     "p2m_use_begin(v->domain);\n\tfail = vmx_enter(",
     "vmwrite(EXCEPTION_BITMAP, SEEDED ? ~0U : x->exc_bitmap); p2m_use_begin(v->domain); fail = vmx_enter("),
    ("emulation: a hole reads as zeros", "arch/x86/hvm/ioreq_io.c",
     "st->asked.val = ~0ULL;", "st->asked.val = SEEDED ? 0 : ~0ULL;"),
] + [
    (name, "arch/x86/vmx/vmx.c", "p2m_use_begin(v->domain);", f"if (SEEDED) {call}; p2m_use_begin(v->domain);")
    for name, call in (     # defects/lost.c
        ("entry: the bases of FS and GS are lost, at each instruction", "seeded_lose_bases(v)"),
        ("entry: the registers of SYSCALL are lost, at each instruction", "seeded_lose_syscall(v)"),
        ("entry: the registers of SYSENTER are lost, at each instruction", "seeded_lose_sysenter(v)"),
        ("entry: debug registers are lost, at each instruction", "seeded_lose_debug(v)"),
        ("entry: the interrupt shadow is lost, at each instruction", "seeded_lose_shadow(v)"),
        ("entry: a register of SSE is lost", "seeded_lose_sse(v)"),
        ("entry: ports are not read", "seeded_lose_ports(v)"),
        ("entry: the limit of the IDT is another", "seeded_lose_idt(v)"),
        ("entry: no-execute is off", "seeded_lose_nx(v)"),
        ("entry: RDRAND is intercepted", "seeded_lose_rdrand(v)"),
        ("entry: time goes back, at each look at the TSC", "seeded_lose_time(v)"),
        ("start of day: start_info has an unknown version", "seeded_spoil(v, SPOIL_MAGIC)"),
        ("start of day: start_info has no flags", "seeded_spoil(v, SPOIL_FLAGS)"),
        ("start of day: no command line", "seeded_spoil(v, SPOIL_COMMAND_LINE)"),
        ("start of day: the memory map is out of order", "seeded_spoil(v, SPOIL_MAP_ORDER)"),
        ("start of day: the memory map has RAM that is not there", "seeded_spoil(v, SPOIL_MAP_SIZE)"),
        ("start of day: the wall clock is at 0", "seeded_spoil(v, SPOIL_WALL_CLOCK)"),
        ("start of day: the RSDP has another signature", "seeded_spoil(v, SPOIL_RSDP)"),
        ("start of day: ACPI tables have wrong checksums", "seeded_spoil(v, SPOIL_TABLES)"),
    )
]

# what goes with them
SUPPORT = [
    ("arch/x86/vmx/exit.c", "unsigned int addr_size = 0;\n\tenum hvm_seg seg = HVM_SEG_DS;\n",
     "unsigned int addr_size = 0;\n\tenum hvm_seg seg = HVM_SEG_DS;\n\n\tif (seeded_port(v, qual, insn_len()))\n\t\treturn;\n"),
    ("arch/x86/vmx/exit.c", 'domain_crash(v->domain, "exit for exception %u, which is not intercepted", vector);',
     "hvm_inject_exception(v, vector == X86_EXC_GP ? X86_EXC_UD : X86_EXC_GP, vector == X86_EXC_GP ? -1 : 0);"),
    ("arch/x86/vmx/vmx.c", "reason = (u32)vmread(VM_EXIT_REASON);", "reason = (u32)vmread(VM_EXIT_REASON); seeded_stepped(v);"),
    ("arch/x86/vmx/exit.c", "u64 qual = vmread(EXIT_QUALIFICATION);\n\n\t/* The exit left DR6",
     "u64 qual = vmread(EXIT_QUALIFICATION);\n\n\tif (seeded_step_ends())\n\t\treturn;\n\t/* The exit left DR6"),
    ("arch/x86/vmx/exit.c", '[57] = { exit_unexpected,', "[57] = { exit_inject_ud,"),
]
