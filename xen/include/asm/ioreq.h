/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O request servers: device models that emulate ports, memory and PCI
 * configuration space for a domain. ABI: public/hvm/dm_op.h, public/hvm/ioreq.h.
 */
#ifndef ASM_IOREQ_H
#define ASM_IOREQ_H

#include <xen/types.h>

struct domain;
struct page_info;
struct vcpu;

/*
 * Operations of the tool stack or the device model on target d, which is not the caller's own domain. They
 * pause d where its vCPUs must not look. Server ids: -ENOENT for one that does not exist, -EPERM for one that
 * another domain created.
 */
/* emulator: the domain that will answer. bufioreq: HVM_IOREQSRV_BUFIOREQ_*. -EINVAL, -ENOMEM, -ENOSPC. */
int ioreq_create_server(struct domain *d, u16 emulator, u8 bufioreq, u16 *id);
int ioreq_destroy_server(struct domain *d, u16 emulator, u16 id);
/*
 * Port of the buffered ring (0: none), and unless no_gfns the frames the pages are mapped at:
 * -ENOMEM when the domain has no frames set aside for it (HVM_PARAM_IOREQ_SERVER_PFN).
 */
int ioreq_server_info(struct domain *d, u16 emulator, u16 id, bool no_gfns, u64 *ioreq_gfn, u64 *bufioreq_gfn,
		      u32 *bufioreq_port);
/* type: XEN_DMOP_IO_RANGE_*. -EEXIST: overlaps one of the server's own; unmap: -ENOENT. */
int ioreq_map_range(struct domain *d, u16 emulator, u16 id, u32 type, u64 start, u64 end);
int ioreq_unmap_range(struct domain *d, u16 emulator, u16 id, u32 type, u64 start, u64 end);
int ioreq_set_state(struct domain *d, u16 emulator, u16 id, bool enabled);
/* XENMEM_resource_ioreq_server: the frame of that number, with a reference the caller puts. */
int ioreq_get_frame(struct domain *d, u16 emulator, u16 id, unsigned long index, struct page_info **page);

/* A vCPU made after a server. 0 or -errno. */
int ioreq_add_vcpu(struct vcpu *v);
/* d dies; its vCPUs do not run any more. May be called again. */
void ioreq_destroy_all(struct domain *d);
/* The domain structure is about to be freed. */
void ioreq_free(struct domain *d);

#endif
