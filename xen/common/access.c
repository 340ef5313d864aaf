// SPDX-License-Identifier: GPL-2.0-only
/*
 * Privilege checks: one row for each operation. The rules are those of Xen without a security
 * module.
 */
#include <xen/access.h>

enum access_rule {
	RULE_TARGET, /* on itself; on others if privileged */
	RULE_PRIV, /* privileged domains */
	RULE_OTHER, /* privileged domains, and not on itself */
};

static const struct access_row {
	const char *name;
	enum access_rule rule;
} access_table[NR_ACCESS_OPS] = {
	[ACCESS_EVTCHN_UNBOUND] = { "evtchn_unbound", RULE_TARGET },
	[ACCESS_EVTCHN_STATUS] = { "evtchn_status", RULE_TARGET },
	[ACCESS_EVTCHN_RESET] = { "evtchn_reset", RULE_TARGET },
	[ACCESS_MEM_ADJUST] = { "memory_adjust_reservation", RULE_TARGET },
	[ACCESS_MEM_STAT] = { "memory_stat_reservation", RULE_TARGET },
	[ACCESS_MEM_CLAIM] = { "claim_pages", RULE_PRIV },
	[ACCESS_MEM_PHYSMAP] = { "physmap", RULE_TARGET },
	[ACCESS_MEM_SET_MAP] = { "domain_memory_map", RULE_TARGET },
	[ACCESS_MEM_POD] = { "pod_target", RULE_PRIV },
	[ACCESS_MEM_RESOURCE] = { "domain_resource_map", RULE_OTHER },
	[ACCESS_MEM_VNUMA] = { "get_vnumainfo", RULE_TARGET },
	[ACCESS_HVM_PARAM_SET] = { "hvm_param set", RULE_TARGET },
	[ACCESS_HVM_PARAM_GET] = { "hvm_param get", RULE_TARGET },
	[ACCESS_HVM_MEM_TYPE] = { "get_mem_type", RULE_TARGET },
	[ACCESS_REMOTE_SHUTDOWN] = { "remote_shutdown", RULE_OTHER },
	[ACCESS_PIN_OVERRIDE] = { "pin_override", RULE_PRIV },
	[ACCESS_CONSOLE_WRITE] = { "console write", RULE_PRIV },
	[ACCESS_CONSOLE_READ] = { "console read", RULE_PRIV },
	[ACCESS_PLATFORM] = { "platform_op", RULE_PRIV },
	[ACCESS_PHYSDEV] = { "physdev_op", RULE_PRIV },
	[ACCESS_VERSION_PRIVATE] = { "xen_version (command line, build id)", RULE_PRIV },
	[ACCESS_DOMCTL] = { "domctl", RULE_PRIV },
	[ACCESS_SYSCTL] = { "sysctl", RULE_PRIV },
	[ACCESS_DM] = { "dm_op", RULE_OTHER },
	[ACCESS_GRANT_OTHER] = { "grant_table of another domain", RULE_TARGET },
};

int access_check(enum access_op op, const struct domain *target)
{
	const struct domain *caller = current->domain;

	ASSERT(op < NR_ACCESS_OPS && access_table[op].name);
	switch (access_table[op].rule) {
	case RULE_TARGET:
		return target == caller || caller->is_privileged ? 0 : -EPERM;
	case RULE_OTHER:
		return target != caller && caller->is_privileged ? 0 : -EPERM;
	case RULE_PRIV:
		break;
	}
	return caller->is_privileged ? 0 : -EPERM;
}

int get_domain_for(enum access_op op, domid_t id, struct domain **d)
{
	int rc;

	*d = get_domain_by_any_id(id);
	if (!*d)
		return -ESRCH;
	rc = access_check(op, *d);
	if (rc)
		put_domain(*d);
	return rc;
}
