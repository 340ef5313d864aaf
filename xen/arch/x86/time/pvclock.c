// SPDX-License-Identifier: GPL-2.0-only
/*
 * What guests compute the time from: struct vcpu_time_info of each vCPU and the
 * wall clock in the shared page (public/xen.h). System time is the TSC scaled, so
 * one pair of TSC and time serves the whole machine for good: the parameters are
 * the same for all vCPUs of a domain, do not age, and change only with the guest's
 * TSC offset or when the structures move.
 */
#include <xen/sched.h>
#include <asm/hvm.h>

/* The pair, taken when the first vCPU of dom0 is made. */
static u64 origin_tsc, origin_ns;

/* A version that is odd while the rest changes, for readers on other vCPUs. */
static void write_time_info(struct vcpu_time_info *dst, const struct vcpu_time_info *src)
{
	u32 version = READ_ONCE(dst->version) | 1;

	WRITE_ONCE(dst->version, version);
	smp_wmb();
	WRITE_ONCE(dst->tsc_timestamp, src->tsc_timestamp);
	WRITE_ONCE(dst->system_time, src->system_time);
	WRITE_ONCE(dst->tsc_to_system_mul, src->tsc_to_system_mul);
	WRITE_ONCE(dst->tsc_shift, src->tsc_shift);
	WRITE_ONCE(dst->flags, src->flags);
	smp_wmb();
	WRITE_ONCE(dst->version, version + 1);
}

/* The machine's scale, for the ticks of the domain. */
static void set_scale(const struct domain *d, struct vcpu_time_info *info)
{
	u64 mul = tsc_to_system_mul;
	int shift = tsc_shift;

	if (d->arch.hvm.tsc_khz) {
		mul = muldiv64(mul << 16, tsc_khz, d->arch.hvm.tsc_khz);
		for (shift -= 16; mul >> 32; mul >>= 1)
			shift++;
		for (; !(mul >> 31); mul <<= 1)
			shift--;
	}
	info->tsc_to_system_mul = (u32)mul;
	info->tsc_shift = (s8)shift;
}

/*
 * After a change of v's TSC offset or of where its vcpu_info or time area is. v is current, or does
 * not run.
 */
void vcpu_update_time_info(struct vcpu *v)
{
	struct vcpu_time_info info = {
		.flags = XEN_PVCLOCK_TSC_STABLE_BIT,
	};
	struct guest_area *area = rcu_dereference(v->time_area);
	u32 version;

	if (!origin_tsc) {
		origin_tsc = rdtsc_raw();
		origin_ns = tsc_to_ns(origin_tsc - tsc_at_boot);
	}
	set_scale(v->domain, &info);
	info.tsc_timestamp = hvm_scale_tsc(v->domain, origin_tsc) + v->arch.hvm.tsc_offset;
	info.system_time = origin_ns;
	if (v->vcpu_info_area.page[0] || v->vcpu_id < XEN_LEGACY_MAX_VCPUS)
		write_time_info(&v->vcpu_info->time, &info);
	if (!area)
		return;
	if (area->len[0] == sizeof(info)) {
		write_time_info(area->map[0], &info);
		return;
	}
	/* The area crosses a page: by pieces, in the same order. */
	version = 1;
	guest_area_write(area, offsetof(struct vcpu_time_info, version), &version, sizeof(version));
	info.version = version;
	guest_area_write(area, 0, &info, sizeof(info));
	version++;
	guest_area_write(area, offsetof(struct vcpu_time_info, version), &version, sizeof(version));
}

/* After the machine's clock or the domain's offset to it changed. */
void domain_update_wallclock(struct domain *d)
{
	struct shared_info *s = d->shared_info;
	u64 sec;
	u32 nsec, version;

	if (!s || READ_ONCE(d->is_dying))
		return;
	get_wallclock(&sec, &nsec);
	sec += (u64)d->time_offset_seconds;
	spin_lock(&d->domain_lock);
	version = READ_ONCE(s->wc_version) | 1;
	WRITE_ONCE(s->wc_version, version);
	smp_wmb();
	WRITE_ONCE(s->wc_sec, (u32)sec);
	WRITE_ONCE(s->wc_sec_hi, (u32)(sec >> 32));
	WRITE_ONCE(s->wc_nsec, nsec);
	smp_wmb();
	WRITE_ONCE(s->wc_version, version + 1);
	spin_unlock(&d->domain_lock);
}
