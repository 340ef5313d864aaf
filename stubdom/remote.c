/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls of functions in a guest made of the same image: the asking and the serving side. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/domain.h>
#include <stubdom/event.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>

void guest_ask(struct guest *g, remote_fn fn, uint64_t a, uint64_t b, uint64_t c)
{
	struct mailbox *m = g->mailbox;

	m->fn = (uint64_t)fn;
	m->arg[0] = a;
	m->arg[1] = b;
	m->arg[2] = c;
	__atomic_store_n(&m->request, m->request + 1, __ATOMIC_RELEASE);
	event_send(g->mailbox_port);
}

long guest_reply(struct guest *g, unsigned int ms)
{
	struct mailbox *m = g->mailbox;
	uint64_t end = system_time() + ms * 1000000ull;
	char line[sizeof(g->line)];

	while (__atomic_load_n(&m->reply, __ATOMIC_ACQUIRE) != m->request) {
		unsigned int before = event_count[g->mailbox_port];

		while (guest_line(g, line, sizeof(line)))
			printf("# guest: %s\n", line);
		if (__atomic_load_n(&m->reply, __ATOMIC_ACQUIRE) == m->request)
			break;
		if (system_time() > end)
			return GUEST_NO_REPLY;
		event_wait(g->mailbox_port, before, 2);
	}
	return m->result;
}

long guest_call(struct guest *g, remote_fn fn, uint64_t a, uint64_t b, uint64_t c, unsigned int ms)
{
	guest_ask(g, fn, a, b, c);
	return guest_reply(g, ms);
}

static long hello(uint64_t a, uint64_t b __unused, uint64_t c __unused) { return (long)a; }

long guest_start_server(struct guest *g, const char *args, unsigned int vcpus, unsigned long heap_pages)
{
	char full[256];
	long rc;

	snprintf(full, sizeof(full), "role=server quiet %s", args);
	rc = guest_build(g, full, vcpus, heap_pages);
	if (rc)
		return rc;
	rc = domain_op(g->id, XEN_DOMCTL_unpausedomain);
	if (!rc && guest_call(g, hello, 4711, 0, 0, 2000) != 4711)
		rc = GUEST_NO_REPLY;
	if (rc)
		guest_destroy(g);
	return rc;
}

void remote_server(void)
{
	struct mailbox *m = gfn_ptr(cmdline_number("mailbox", 0));
	evtchn_port_t port = m->port;

	event_unmask(port);
	for (;;) {
		irq_disable();
		if (__atomic_load_n(&m->request, __ATOMIC_ACQUIRE) == m->reply) {
			wait_for_interrupt();
			continue;
		}
		irq_enable();
		m->result = ((remote_fn)m->fn)(m->arg[0], m->arg[1], m->arg[2]);
		__atomic_store_n(&m->reply, m->reply + 1, __ATOMIC_RELEASE);
		event_send(port);
	}
}
