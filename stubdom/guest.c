/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests made of this program's own image: build, console, end. */
#include <stubdom/boot.h>
#include <stubdom/domain.h>
#include <stubdom/event.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include <xen/hvm/save.h>

#define COPY_GFNS    64u
#define CONTEXT_SIZE (4 * PAGE_SIZE)

/* What follows the image: start_info, memory map and command line in one page. */
struct boot_page {
	struct hvm_start_info info;
	struct hvm_memmap_table_entry map[2];
	char cmdline[2048];
};

struct context_cpu {
	struct hvm_save_descriptor header_desc;
	struct hvm_save_header header;
	struct hvm_save_descriptor cpu_desc;
	struct hvm_hw_cpu cpu;
	struct hvm_save_descriptor mtrr_desc;
	struct hvm_hw_mtrr mtrr;
	struct hvm_save_descriptor end_desc;
};

_Static_assert(sizeof(struct context_cpu) == 4 * sizeof(struct hvm_save_descriptor) +
						     sizeof(struct hvm_save_header) +
						     sizeof(struct hvm_hw_cpu) + sizeof(struct hvm_hw_mtrr),
	       "records follow each other without gaps");

static uint64_t copy_gfn(void)
{
	static uint64_t gfn;

	if (!gfn)
		gfn = hole_gfn_alloc(COPY_GFNS, 1);
	return gfn;
}

/* Populate and fill the pages of the image; the rest of the memory is left as populated. */
static long copy_image(struct guest *g)
{
	unsigned long pages = image_pages(), done, i;
	uint64_t win = copy_gfn();

	for (done = 0; done < pages; done += COPY_GFNS) {
		unsigned int n = (unsigned int)MIN(pages - done, (unsigned long)COPY_GFNS);
		long rc = foreign_map(g->id, g->first_gfn + done, win, n);

		for (i = 0; !rc && i < n; i++)
			if (!image_page(done + i, gfn_ptr(win + i)))
				memset(gfn_ptr(win + i), 0, PAGE_SIZE);
		if (!rc)
			rc = foreign_unmap(win, n);
		if (rc)
			return rc;
	}
	return 0;
}

static long fill_boot_page(struct guest *g, uint64_t boot_gfn, const char *args)
{
	uint64_t win = copy_gfn(), addr = boot_gfn << PAGE_SHIFT;
	struct boot_page *b = gfn_ptr(win);
	long rc = foreign_map(g->id, boot_gfn, win, 1);

	if (rc)
		return rc;
	memset(b, 0, PAGE_SIZE);
	b->info.magic = XEN_HVM_START_MAGIC_VALUE;
	b->info.version = 1;
	b->info.cmdline_paddr = addr + offsetof(struct boot_page, cmdline);
	b->info.memmap_paddr = addr + offsetof(struct boot_page, map);
	b->info.memmap_entries = ARRAY_SIZE(b->map);
	b->map[0].size = GUEST_LOW_PAGES << PAGE_SHIFT;
	b->map[0].type = XEN_HVM_MEMMAP_TYPE_RAM;
	b->map[1].addr = g->first_gfn << PAGE_SHIFT;
	b->map[1].size = (g->last_gfn - g->first_gfn) << PAGE_SHIFT; /* not the mailbox */
	b->map[1].type = XEN_HVM_MEMMAP_TYPE_RAM;
	snprintf(b->cmdline, sizeof(b->cmdline), "%s mailbox=%lu", args, g->last_gfn);
	return foreign_unmap(win, 1);
}

static void cpu_state(struct hvm_hw_cpu *c, uint64_t boot_addr)
{
	c->rip = image_entry();
	c->rbx = boot_addr;
	c->rflags = 2;
	c->cr0 = CR0_PE | CR0_ET;
	c->dr6 = 0xffff0ff0;
	c->dr7 = 0x400;
	c->cs_limit = c->ds_limit = c->es_limit = c->ss_limit = ~0u;
	c->tr_limit = 0x67;
	c->cs_arbytes = 0xc9b;
	c->ds_arbytes = c->es_arbytes = c->ss_arbytes = 0xc93;
	c->tr_arbytes = 0x8b;
}

/* Give vCPU 0 the state a PVH kernel starts in: the context's header, one CPU and MTRR record. */
static long set_context(struct guest *g, uint64_t boot_addr)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_gethvmcontext, .domain = g->id };
	uint8_t *old = pages_alloc(CONTEXT_SIZE / PAGE_SIZE, 1);
	struct context_cpu *ctx = page_alloc();
	long rc;

	op.u.hvmcontext.size = CONTEXT_SIZE;
	set_xen_guest_handle(op.u.hvmcontext.buffer, old);
	rc = hc_domctl(&op);
	if (rc)
		goto out;
	memcpy(&ctx->header_desc, old, sizeof(ctx->header_desc) + sizeof(ctx->header));
	ctx->cpu_desc.typecode = HVM_SAVE_CODE(CPU);
	ctx->cpu_desc.length = sizeof(ctx->cpu);
	cpu_state(&ctx->cpu, boot_addr);
	ctx->mtrr_desc.typecode = HVM_SAVE_CODE(MTRR);
	ctx->mtrr_desc.length = sizeof(ctx->mtrr);
	ctx->mtrr.msr_mtrr_cap = 0x508;
	ctx->mtrr.msr_pat_cr = 0x0007040600070406ull;
	ctx->mtrr.msr_mtrr_def_type = 0x800 | 6; /* enabled, write-back */
	ctx->end_desc.typecode = HVM_SAVE_CODE(END);
	op.cmd = XEN_DOMCTL_sethvmcontext;
	op.u.hvmcontext.size = sizeof(*ctx);
	set_xen_guest_handle(op.u.hvmcontext.buffer, (uint8_t *)ctx);
	rc = hc_domctl(&op);
out:
	pages_free(old, CONTEXT_SIZE / PAGE_SIZE);
	page_free(ctx);
	return rc;
}

/* Zero a special page of the guest, name it in a parameter, and give it an event channel. */
static long set_ring(struct guest *g, uint64_t gfn, uint32_t param_pfn, uint32_t param_port,
		     evtchn_port_t *local)
{
	uint64_t win = copy_gfn();
	long port, rc;

	rc = foreign_map(g->id, gfn, win, 1);
	if (rc)
		return rc;
	memset(gfn_ptr(win), 0, PAGE_SIZE);
	rc = foreign_unmap(win, 1);
	if (rc)
		return rc;
	port = event_alloc_unbound(g->id, DOMID_SELF);
	if (port < 0)
		return port;
	rc = hvm_param_set(g->id, param_pfn, gfn);
	if (!rc)
		rc = hvm_param_set(g->id, param_port, (uint64_t)port);
	if (rc)
		return rc;
	rc = event_bind_interdomain(g->id, (evtchn_port_t)port);
	if (rc < 0)
		return rc;
	*local = (evtchn_port_t)rc;
	return 0;
}

/* Map the mailbox and give it an event channel. */
static long set_mailbox(struct guest *g)
{
	long rc;

	g->mailbox_gfn = hole_gfn_alloc(1, 1);
	rc = foreign_map(g->id, g->last_gfn, g->mailbox_gfn, 1);
	if (rc)
		return rc;
	g->mailbox = gfn_ptr(g->mailbox_gfn);
	memset(g->mailbox, 0, PAGE_SIZE);
	rc = event_alloc_unbound(g->id, DOMID_SELF);
	if (rc < 0)
		return rc;
	g->mailbox->port = (uint32_t)rc;
	rc = event_bind_interdomain(g->id, (evtchn_port_t)rc);
	if (rc < 0)
		return rc;
	g->mailbox_port = (evtchn_port_t)rc;
	event_unmask(g->mailbox_port);
	return 0;
}

static long guest_fill(struct guest *g, const char *args)
{
	uint64_t boot_gfn = g->first_gfn + image_pages();
	long pages = (long)(g->last_gfn + 1 - g->first_gfn), rc;

	rc = domain_populate(g->id, 0, GUEST_LOW_PAGES, 0);
	if (rc != (long)GUEST_LOW_PAGES)
		return rc < 0 ? rc : -12;
	rc = domain_populate(g->id, g->first_gfn, (unsigned long)pages, 0);
	if (rc != pages)
		return rc < 0 ? rc : -12;
	rc = domain_populate(g->id, GUEST_XENSTORE_GFN, 2, 0);
	if (rc != 2)
		return rc < 0 ? rc : -12;
	rc = copy_image(g);
	if (!rc)
		rc = fill_boot_page(g, boot_gfn, args);
	if (!rc)
		rc = set_ring(g, GUEST_CONSOLE_GFN, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN,
			      &g->console_port);
	if (!rc)
		rc = set_ring(g, GUEST_XENSTORE_GFN, HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN,
			      &g->xenstore_port);
	if (!rc)
		rc = set_mailbox(g);
	if (!rc)
		rc = set_context(g, boot_gfn << PAGE_SHIFT);
	if (rc)
		return rc;
	g->console_gfn = hole_gfn_alloc(1, 1);
	rc = foreign_map(g->id, GUEST_CONSOLE_GFN, g->console_gfn, 1);
	if (!rc)
		g->console = gfn_ptr(g->console_gfn);
	return rc;
}

long guest_build(struct guest *g, const char *args, unsigned int vcpus, unsigned long heap_pages)
{
	long rc;

	memset(g, 0, sizeof(*g));
	g->first_gfn = image_first_gfn();
	g->last_gfn = g->first_gfn + image_pages() + heap_pages;
	rc = domain_create(&g->id, vcpus, g->last_gfn + 1 - g->first_gfn + GUEST_LOW_PAGES + 64);
	if (rc)
		return rc;
	rc = guest_fill(g, args);
	if (rc)
		guest_destroy(g);
	return rc;
}

bool guest_line(struct guest *g, char *buf, size_t size)
{
	uint32_t cons = g->console->out_cons;
	uint32_t prod = READ_ONCE(g->console->out_prod);
	bool full = false;

	barrier();
	while (cons != prod && !full) {
		char c = g->console->out[MASK_XENCONS_IDX(cons, g->console->out)];

		cons++;
		full = c == '\n' || g->line_len == sizeof(g->line) - 1;
		if (c != '\n')
			g->line[g->line_len++] = c;
	}
	barrier();
	WRITE_ONCE(g->console->out_cons, cons);
	if (!full)
		return false;
	g->line[g->line_len] = '\0';
	g->line_len = 0;
	snprintf(buf, size, "%s", g->line);
	return true;
}

bool guest_is_down(struct guest *g, unsigned int *reason)
{
	struct xen_domctl_getdomaininfo info;

	if (domain_info(g->id, &info))
		return true;
	if (reason)
		*reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
	return info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying);
}

bool guest_wait_down(struct guest *g, unsigned int ms)
{
	uint64_t end = system_time() + ms * 1000000ull;
	char line[sizeof(g->line)];

	while (!guest_is_down(g, NULL)) {
		while (guest_line(g, line, sizeof(line)))
			continue;
		if (system_time() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

bool guest_destroy(struct guest *g)
{
	if (g->console_port)
		event_close(g->console_port);
	if (g->xenstore_port)
		event_close(g->xenstore_port);
	if (g->mailbox_port)
		event_close(g->mailbox_port);
	if (g->console) {
		foreign_unmap(g->console_gfn, 1);
		hole_gfn_free(g->console_gfn);
	}
	if (g->mailbox) {
		foreign_unmap(g->mailbox_gfn, 1);
		hole_gfn_free(g->mailbox_gfn);
	}
	g->console = NULL;
	g->mailbox = NULL;
	return domain_reap(g->id);
}
