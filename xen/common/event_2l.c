// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 2-level event ABI: pending and mask bitmaps in the shared page, a selector word in each
 * vcpu_info.
 */
#include "event_channel.h"

void evtchn_2l_set_pending(struct vcpu *v, const struct evtchn *chn)
{
	struct shared_info *s = v->domain->shared_info;
	struct vcpu_info *info;

	if (chn->port >= EVTCHN_2L_NR_CHANNELS || test_and_set_bit(chn->port, s->evtchn_pending))
		return;
	if (test_bit(chn->port, s->evtchn_mask))
		return;
	/* After the port's bit: vcpu_info_register() relies on the order. */
	info = smp_load_acquire(&v->vcpu_info);
	if (!test_and_set_bit(chn->port / BITS_PER_LONG, &info->evtchn_pending_sel))
		vcpu_mark_events_pending(v);
}

void evtchn_2l_clear_pending(struct domain *d, const struct evtchn *chn)
{
	if (chn->port < EVTCHN_2L_NR_CHANNELS)
		clear_bit(chn->port, d->shared_info->evtchn_pending);
}

void evtchn_2l_unmask(struct domain *d, const struct evtchn *chn)
{
	struct shared_info *s = d->shared_info;
	struct vcpu *v = d->vcpu[chn->notify_vcpu];

	if (chn->port >= EVTCHN_2L_NR_CHANNELS)
		return;
	if (test_and_clear_bit(chn->port, s->evtchn_mask) && test_bit(chn->port, s->evtchn_pending) &&
	    !test_and_set_bit(chn->port / BITS_PER_LONG, &v->vcpu_info->evtchn_pending_sel))
		vcpu_mark_events_pending(v);
}

bool evtchn_2l_is_pending(const struct domain *d, u32 port)
{
	return port < EVTCHN_2L_NR_CHANNELS && test_bit(port, d->shared_info->evtchn_pending);
}

bool evtchn_2l_is_masked(const struct domain *d, u32 port)
{
	return port >= EVTCHN_2L_NR_CHANNELS || test_bit(port, d->shared_info->evtchn_mask);
}
