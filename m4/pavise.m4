dnl SPDX-License-Identifier: GPL-2.0-only
dnl Checks that name the Debian package of what is missing.

dnl PAVISE_MISSING(WHAT, PACKAGE): note it; all are reported together at the end
AC_DEFUN([PAVISE_MISSING], [
	pavise_missing="$pavise_missing
  $1 (package $2)"
	pavise_packages="$pavise_packages $2"
])

dnl PAVISE_PROG(PROGRAM, PACKAGE)
AC_DEFUN([PAVISE_PROG], [
	AC_PATH_PROG([pavise_prog_]m4_translit([$1], [-.+], [___]), [$1], [no], [$PATH:/usr/sbin:/sbin])
	AS_IF([test "$pavise_prog_[]m4_translit([$1], [-.+], [___])" = no], [PAVISE_MISSING([$1], [$2])])
])

dnl PAVISE_FILE(FILE, PACKAGE)
AC_DEFUN([PAVISE_FILE], [
	AC_MSG_CHECKING([for $1])
	AS_IF([test -r "$1"], [AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no]); PAVISE_MISSING([$1], [$2])])
])

dnl PAVISE_XEN_ABI: the public headers are those of 4.17, which the hypervisor speaks
AC_DEFUN([PAVISE_XEN_ABI], [
	AC_MSG_CHECKING([for the public headers of the Xen 4.17 ABI])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#define __XEN_TOOLS__ 1
#include <stdint.h>
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#if XEN_DOMCTL_INTERFACE_VERSION != 0x00000015 || XEN_SYSCTL_INTERFACE_VERSION != 0x00000015
#error "another version"
#endif
]])], [AC_MSG_RESULT([yes])], [
		AC_MSG_RESULT([no])
		AS_IF([test -r /usr/include/xen/domctl.h],
			[AC_MSG_ERROR([the installed libxen-dev is not of version 4.17; Debian 12 has the right one])])
		PAVISE_MISSING([xen/xen.h], [libxen-dev])
	])
])

dnl PAVISE_HEADER(HEADER, PACKAGE)
AC_DEFUN([PAVISE_HEADER], [
	AC_CHECK_HEADER([$1], [], [PAVISE_MISSING([$1], [$2])])
])

dnl PAVISE_REPORT: nothing missing, or an end with the line that installs it all
AC_DEFUN([PAVISE_REPORT], [
	AS_IF([test -n "$pavise_missing"], [
		pavise_packages=`echo $pavise_packages | tr ' ' '\n' | sort -u | tr '\n' ' '`
		AC_MSG_ERROR([missing:$pavise_missing
Install them, as root:
  apt-get install $pavise_packages])
	])
])
