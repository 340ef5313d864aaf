// SPDX-License-Identifier: LGPL-2.1-only
/*
 * pavise-p2m: a domain's guest-physical space as the hypervisor's p2m has it.
 * Runs in dom0 on Pavise; text, JSON or an SVG map. See pavise-p2m(1).
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pavise/pavise_op.h>
#include <xen/xen.h>
#include <xencall.h>

#define RANGES	 128
#define NO_OWNER 0x7fff

static const char *const type_name[PAVISE_P2M_TYPES] = {
	"invalid", "ram",      "ram-ro",   "ram-logdirty", "mmio",   "mmio-dm",
	"foreign", "grant-rw", "grant-ro", "pod",	   "broken",
};
static const char *const type_colour[PAVISE_P2M_TYPES] = {
	"#ffffff", "#4c78a8", "#9ecae9", "#72b7b2", "#b79a20", "#f2cf5b",
	"#e45756", "#54a24b", "#88d27a", "#bab0ac", "#000000",
};

struct space {
	struct pavise_p2m_range *range;
	size_t nr, room;
	struct pavise_p2m_stats stats;
};

static const char *name_of(uint32_t type) { return type < PAVISE_P2M_TYPES ? type_name[type] : "unknown"; }

static void *hypercall_buffer(xencall_handle *xc, size_t size)
{
	void *p = xencall_alloc_buffer(xc, size);

	if (!p) {
		fprintf(stderr, "pavise-p2m: no memory for %zu bytes of hypercall buffer\n", size);
		exit(1);
	}
	return p;
}

static void call_failed(unsigned int domid)
{
	switch (errno) {
	case ENOSYS:
		fprintf(stderr,
			"pavise-p2m: this hypervisor has no pavise_op: it is not Pavise (see xl info)\n");
		break;
	case ESRCH:
		fprintf(stderr, "pavise-p2m: there is no domain %u (see xl list)\n", domid);
		break;
	case EPERM:
		fprintf(stderr, "pavise-p2m: not permitted: run it as root in dom0\n");
		break;
	default:
		fprintf(stderr, "pavise-p2m: domain %u: %s\n", domid, strerror(errno));
	}
}

/* A call ends where the hypervisor has other things to do: what it cut apart belongs together. */
static bool goes_on(const struct pavise_p2m_range *a, const struct pavise_p2m_range *b)
{
	return a->gfn + a->nr == b->gfn && a->type == b->type && a->owner == b->owner &&
	       (a->mfn == ~0ULL ? b->mfn == ~0ULL : a->mfn + a->nr == b->mfn);
}

static int add_ranges(struct space *s, const struct pavise_p2m_range *r, uint32_t n)
{
	if (n && s->nr && goes_on(&s->range[s->nr - 1], r)) {
		s->range[s->nr - 1].nr += r->nr;
		r++;
		n--;
	}
	if (s->nr + n > s->room) {
		size_t room = s->room ? s->room * 2 + n : 1024 + n;
		void *p = realloc(s->range, room * sizeof(*r));

		if (!p) {
			fprintf(stderr, "pavise-p2m: no memory for %zu ranges\n", room);
			return -1;
		}
		s->range = p;
		s->room = room;
	}
	memcpy(s->range + s->nr, r, n * sizeof(*r));
	s->nr += n;
	return 0;
}

static int read_space(xencall_handle *xc, unsigned int domid, struct space *s)
{
	struct pavise_p2m_range *buf = hypercall_buffer(xc, RANGES * sizeof(*buf));
	struct pavise_p2m_ranges *op = hypercall_buffer(xc, sizeof(*op));
	struct pavise_p2m_stats *st = hypercall_buffer(xc, sizeof(*st));
	int rc;

	memset(op, 0, sizeof(*op));
	memset(st, 0, sizeof(*st));
	st->version = op->version = PAVISE_OP_VERSION;
	st->domid = op->domid = (uint16_t)domid;
	op->ranges = (uintptr_t)buf;
	do {
		op->nr = RANGES;
		rc = xencall2(xc, __HYPERVISOR_arch_1, PAVISE_OP_p2m_ranges, (uintptr_t)op);
		if (!rc)
			rc = add_ranges(s, buf, op->nr);
		else
			call_failed(domid);
	} while (!rc && op->next_gfn != ~0ULL);
	if (!rc) {
		rc = xencall2(xc, __HYPERVISOR_arch_1, PAVISE_OP_p2m_stats, (uintptr_t)st);
		s->stats = *st;
		if (rc)
			call_failed(domid);
	}
	xencall_free_buffer(xc, st);
	xencall_free_buffer(xc, op);
	xencall_free_buffer(xc, buf);
	return rc ? -1 : 0;
}

static double superpage_share(const struct pavise_p2m_stats *st)
{
	uint64_t small = st->entries[PAVISE_P2M_RAM_RW][0];
	uint64_t large = st->entries[PAVISE_P2M_RAM_RW][1] * 512 + st->entries[PAVISE_P2M_RAM_RW][2] * 262144;

	return small + large ? 100.0 * (double)large / (double)(small + large) : 0;
}

/* Pages of other domains that this one has mapped: how many of which domain. */
struct mapped {
	uint64_t pages;
	uint16_t owner;
};

static struct mapped *count_mapped(const struct space *s, unsigned int domid, size_t *nr)
{
	struct mapped *m = calloc(s->nr + 1, sizeof(*m));

	*nr = 0;
	if (!m) {
		fprintf(stderr, "pavise-p2m: no memory for %zu owners\n", s->nr);
		exit(1);
	}
	for (size_t i = 0, j; i < s->nr; i++) {
		uint32_t owner = s->range[i].owner;

		if (owner == NO_OWNER || owner == domid)
			continue;
		for (j = 0; j < *nr && m[j].owner != owner; j++)
			;
		m[j].owner = (uint16_t)owner;
		m[j].pages += s->range[i].nr;
		*nr += j == *nr;
	}
	return m;
}

static void print_text(const struct space *s, unsigned int domid)
{
	size_t owners;
	struct mapped *m = count_mapped(s, domid, &owners);

	printf("domain %u: highest gfn %#" PRIx64 ", %" PRIu64 " table pages\n", domid, s->stats.max_gfn,
	       s->stats.tables);
	for (unsigned int t = 1; t < PAVISE_P2M_TYPES; t++) {
		const uint64_t *e = s->stats.entries[t];

		if (e[0] || e[1] || e[2])
			printf("  %-13s %10" PRIu64 " x 4K %8" PRIu64 " x 2M %5" PRIu64 " x 1G\n",
			       type_name[t], e[0], e[1], e[2]);
	}
	printf("  RAM in superpages: %.1f %%; foreign mappings made %" PRIu64 ", released %" PRIu64 "\n",
	       superpage_share(&s->stats), s->stats.foreign_made, s->stats.foreign_released);
	for (size_t i = 0; i < owners; i++)
		printf("  mapped of domain %u: %" PRIu64 " pages\n", m[i].owner, m[i].pages);
	free(m);
	printf("%-18s %-18s %10s  %-13s %s\n", "first gfn", "last gfn", "pages", "type", "frames");
	for (size_t i = 0; i < s->nr; i++) {
		const struct pavise_p2m_range *r = &s->range[i];

		printf("%#-18" PRIx64 " %#-18" PRIx64 " %10" PRIu64 "  %-13s", r->gfn, r->gfn + r->nr - 1,
		       r->nr, name_of(r->type));
		if (r->mfn != ~0ULL)
			printf(" mfn %#" PRIx64, r->mfn);
		if (r->owner != NO_OWNER && r->owner != domid)
			printf(" of domain %u, %u references", r->owner, r->refs);
		putchar('\n');
	}
}

static void print_json(const struct space *s, unsigned int domid)
{
	size_t owners;
	struct mapped *m = count_mapped(s, domid, &owners);

	printf("{\"domain\": %u, \"max_gfn\": %" PRIu64 ", \"tables\": %" PRIu64 ", \"foreign_made\": %" PRIu64
	       ", \"foreign_released\": %" PRIu64 ", \"superpage_percent\": %.1f,\n \"leaves\": {",
	       domid, s->stats.max_gfn, s->stats.tables, s->stats.foreign_made, s->stats.foreign_released,
	       superpage_share(&s->stats));
	for (unsigned int t = 1; t < PAVISE_P2M_TYPES; t++)
		printf("%s\"%s\": [%" PRIu64 ", %" PRIu64 ", %" PRIu64 "]", t > 1 ? ", " : "", type_name[t],
		       s->stats.entries[t][0], s->stats.entries[t][1], s->stats.entries[t][2]);
	printf("},\n \"mapped\": {");
	for (size_t i = 0; i < owners; i++)
		printf("%s\"%u\": %" PRIu64, i ? ", " : "", m[i].owner, m[i].pages);
	free(m);
	printf("},\n \"ranges\": [");
	for (size_t i = 0; i < s->nr; i++) {
		const struct pavise_p2m_range *r = &s->range[i];

		printf("%s\n  {\"gfn\": %" PRIu64 ", \"pages\": %" PRIu64 ", \"type\": \"%s\"", i ? "," : "",
		       r->gfn, r->nr, name_of(r->type));
		if (r->mfn != ~0ULL)
			printf(", \"mfn\": %" PRIu64, r->mfn);
		if (r->owner != NO_OWNER)
			printf(", \"owner\": %u, \"references\": %u", r->owner, r->refs);
		printf("}");
	}
	printf("\n]}\n");
}

/* One row of the map is 4 MiB (1024 pages), a pixel a page; rows without anything are folded. */
#define ROW_PAGES  1024
#define ROW_HEIGHT 6

static void print_svg(const struct space *s, unsigned int domid)
{
	size_t rows = 0;
	uint64_t last_row = ~0ULL;

	/* Count first: the height stands in the file's head. */
	for (size_t i = 0; i < s->nr; i++)
		for (uint64_t row = s->range[i].gfn / ROW_PAGES;
		     row <= (s->range[i].gfn + s->range[i].nr - 1) / ROW_PAGES && rows < 4000; row++)
			if (row != last_row) {
				last_row = row;
				rows++;
			}
	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" font-family=\"sans-serif\" font-size=\"9\">\n",
	       ROW_PAGES + 150, rows * ROW_HEIGHT + 60);
	printf("<text x=\"4\" y=\"14\" font-size=\"12\">Guest-physical space of domain %u: a row is 4 MiB, empty rows are left out</text>\n",
	       domid);
	for (unsigned int t = 1, x = 4; t < PAVISE_P2M_TYPES; t++, x += 105)
		printf("<rect x=\"%u\" y=\"22\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%u\" y=\"31\">%s</text>\n",
		       x, type_colour[t], x + 14, type_name[t]);
	last_row = ~0ULL;
	rows = 0;
	for (size_t i = 0; i < s->nr; i++) {
		uint64_t gfn = s->range[i].gfn, end = gfn + s->range[i].nr;

		while (gfn < end && rows < 4000) {
			uint64_t row = gfn / ROW_PAGES,
				 stop = (row + 1) * ROW_PAGES < end ? (row + 1) * ROW_PAGES : end;

			if (row != last_row) {
				last_row = row;
				rows++;
				if (rows % 2)
					printf("<text x=\"%d\" y=\"%zu\">%#" PRIx64 "</text>\n",
					       ROW_PAGES + 10, 40 + rows * ROW_HEIGHT, row * ROW_PAGES);
			}
			printf("<rect x=\"%" PRIu64 "\" y=\"%zu\" width=\"%" PRIu64
			       "\" height=\"%d\" fill=\"%s\"/>\n",
			       gfn % ROW_PAGES, 34 + rows * ROW_HEIGHT, stop - gfn, ROW_HEIGHT - 1,
			       s->range[i].type < PAVISE_P2M_TYPES ? type_colour[s->range[i].type] : "#000000");
			gfn = stop;
		}
	}
	printf("</svg>\n");
}

static void usage(FILE *f)
{
	fprintf(f,
		"usage: pavise-p2m [--json | --svg] DOMID\n"
		"Shows the guest-physical space of a domain: ranges by type, superpages, foreign mappings.\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "svg", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	void (*print)(const struct space *, unsigned int) = print_text;
	struct space s = { 0 };
	xencall_handle *xc;
	unsigned long domid;
	char *end;
	int c, rc;

	while ((c = getopt_long(argc, argv, "jsh", options, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			return 0;
		}
		if (c == '?') {
			usage(stderr);
			return 2;
		}
		print = c == 'j' ? print_json : print_svg;
	}
	if (optind + 1 != argc) {
		usage(stderr);
		return 2;
	}
	errno = 0;
	domid = strtoul(argv[optind], &end, 10);
	if (errno || *end || end == argv[optind] || domid >= DOMID_FIRST_RESERVED) {
		fprintf(stderr, "pavise-p2m: '%s' is not a domain id (a number; see xl list)\n", argv[optind]);
		return 2;
	}
	xc = xencall_open(NULL, 0);
	if (!xc) {
		fprintf(stderr,
			"pavise-p2m: no hypercalls: %s (is /dev/xen/privcmd there? modprobe xen-privcmd)\n",
			strerror(errno));
		return 1;
	}
	rc = read_space(xc, (unsigned int)domid, &s);
	if (!rc)
		print(&s, (unsigned int)domid);
	free(s.range);
	xencall_close(xc);
	return rc ? 1 : 0;
}
