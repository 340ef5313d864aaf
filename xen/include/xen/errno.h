/* SPDX-License-Identifier: GPL-2.0-only */
/* Error numbers: EINVAL, ENOMEM, … are those of the public ABI; functions return them negated. */
#ifndef XEN_ERRNO_H
#define XEN_ERRNO_H

#ifndef PAVISE_HOST
#define XEN_ERRNO(name, value) name = (value),
enum {
#include <public/errno.h>
};
#undef XEN_ERRNO
#endif

#endif
