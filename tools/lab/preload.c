// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Bochs does not get from this machine: a seed from the clock, so that a run repeats; and a port for
 * its screen, so that none need be free and nobody can connect to it from the network.
 */
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SCREEN_FIRST 5900
#define SCREEN_LAST  5949

/* It would seed RDRAND. */
void srand(unsigned int seed) { (void)seed; }

/* The thread that serves the screen does nothing else: it waits here until the end. */
int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_in *in = (const void *)addr;

	if (addr->sa_family == AF_INET && ntohs(in->sin_port) >= SCREEN_FIRST &&
	    ntohs(in->sin_port) <= SCREEN_LAST)
		for (;;)
			pause();
	return (int)syscall(SYS_bind, fd, addr, len);
}
