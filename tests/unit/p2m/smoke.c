#include "host.h"
int main(void)
{
	struct p2m_batch b;
	host_init();
	struct domain *d = host_domain(1, false), *f = host_domain(2, false);
	p2m_batch_init(&b, d);
	struct page_info *p = alloc_domheap_pages(f, 0, 0);
	struct p2m_batch fb; p2m_batch_init(&fb, f);
	tap_ok(!p2m_add_page(f, _gfn(5), page_to_mfn(p), 0, p2m_ram_rw, &fb), "add");
	tap_ok(!p2m_add_foreign(d, _gfn(100), f, _gfn(5), &b), "foreign");
	tap_ok(page_count(p) == 2, "count");
	host_kill(f); host_kill(d);
	host_free_domain(d); host_free_domain(f);
	tap_ok(!host_frames_in_use(), "nothing left");
	return tap_done();
}
