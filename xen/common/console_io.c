// SPDX-License-Identifier: GPL-2.0-only
/* The console_io hypercall: the hypervisor's console as a terminal for dom0. */
#include <xen/access.h>
#include <xen/console.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>

#define CHUNK 256

/*
 * Preemptible: what is printed leaves the buffer, so the continuation has a later address and less
 * to do.
 */
static long console_write(unsigned int count, unsigned long buffer)
{
	char text[CHUNK];

	while (count) {
		unsigned int n = min(count, (unsigned int)CHUNK);

		if (copy_from_guest_va(text, buffer, n))
			return -EFAULT;
		console_guest_write(text, n);
		count -= n;
		buffer += n;
		if (count && hypercall_preempt_check())
			return hypercall_create_continuation(__HYPERVISOR_console_io, 3,
							     (unsigned long)CONSOLEIO_write,
							     (unsigned long)count, buffer);
	}
	return 0;
}

static long console_read(unsigned int count, unsigned long buffer)
{
	char text[CHUNK];
	unsigned int done = 0;

	while (done < count) {
		size_t n = console_dom0_read(text, min(count - done, (unsigned int)CHUNK));

		if (!n)
			break;
		if (copy_to_guest_va(buffer + done, text, n))
			return -EFAULT;
		done += (unsigned int)n;
	}
	return done;
}

/* -EPERM; -EINVAL for a negative count; -EFAULT; reading gives the number of characters. */
long do_console_io(const unsigned long *a)
{
	unsigned int cmd = (unsigned int)a[0], count = (unsigned int)a[1];

	if (cmd != CONSOLEIO_write && cmd != CONSOLEIO_read)
		return hypercall_unimplemented("console_io", cmd);
	if (access_check(cmd == CONSOLEIO_write ? ACCESS_CONSOLE_WRITE : ACCESS_CONSOLE_READ, NULL))
		return -EPERM;
	if ((int)count < 0)
		return -EINVAL;
	return cmd == CONSOLEIO_write ? console_write(count, a[2]) : console_read(count, a[2]);
}
