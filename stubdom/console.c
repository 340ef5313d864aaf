/* SPDX-License-Identifier: GPL-2.0-only */
/* Console output by I/O port 0xe9, CONSOLEIO_write, or the console ring. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/x86.h>
#include <xen/io/console.h>

static unsigned int ways;
static bool quiet;
static struct xencons_interface *ring;
static evtchn_port_t ring_port;
static volatile bool locked;

void console_select(unsigned int w) { ways = w; }

void console_quiet(bool on) { quiet = on; }

bool console_ring_init(void)
{
	uint64_t pfn = 0, port = 0;

	if (hvm_param_get(DOMID_SELF, HVM_PARAM_CONSOLE_PFN, &pfn) || !pfn ||
	    hvm_param_get(DOMID_SELF, HVM_PARAM_CONSOLE_EVTCHN, &port))
		return false;
	ring = gfn_ptr(pfn);
	ring_port = (evtchn_port_t)port;
	return true;
}

static void ring_write(const char *s, size_t n)
{
	uint32_t prod = ring->out_prod;

	while (n) {
		if (prod - READ_ONCE(ring->out_cons) >= sizeof(ring->out)) {
			WRITE_ONCE(ring->out_prod, prod);
			event_send(ring_port);
			hc_sched_op(SCHEDOP_yield, NULL);
			continue;
		}
		ring->out[MASK_XENCONS_IDX(prod, ring->out)] = *s++;
		prod++;
		n--;
	}
	barrier();
	WRITE_ONCE(ring->out_prod, prod);
	event_send(ring_port);
}

/*
 * One writer at a time, but a CPU that crashed inside must still be heard: give up the lock after a
 * while instead of waiting for ever.
 */
void console_write(const char *s, size_t n)
{
	unsigned int spins = 0;
	size_t i;

	while (__atomic_exchange_n(&locked, true, __ATOMIC_ACQUIRE) && ++spins < 1000000)
		cpu_relax();
	for (i = 0; (ways & CONSOLE_PORT_E9) && i < n; i++)
		outb(0xe9, (uint8_t)s[i]);
	if (ways & CONSOLE_HYPERCALL)
		hc_console_io(CONSOLEIO_write, (unsigned int)n, s);
	if ((ways & CONSOLE_RING) && ring)
		ring_write(s, n);
	__atomic_store_n(&locked, false, __ATOMIC_RELEASE);
}

static void vprintf(const char *fmt, va_list ap)
{
	char buf[512];
	int n = vsnprintf(buf, sizeof(buf), fmt, ap);

	if (!quiet)
		console_write(buf, MIN((size_t)n, sizeof(buf) - 1));
}

int printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	return 0;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	quiet = false;
	printf("stubdom: panic: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	power_off(SHUTDOWN_crash);
}
