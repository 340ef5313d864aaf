/* SPDX-License-Identifier: GPL-2.0-only */
/* Xen's error numbers (xen/errno.h) under the names E*. */
#ifndef TESTS_ERRORS_H
#define TESTS_ERRORS_H

#define XEN_ERRNO(name, value) enum { name = value };
#include <xen/errno.h>

#endif
