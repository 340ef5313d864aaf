objs-y += features.o
objs-y += policy.o policy_cpuid.o policy_list.o
