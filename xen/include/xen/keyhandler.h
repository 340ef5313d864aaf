/* SPDX-License-Identifier: GPL-2.0-only */
/* Debug keys: typed on the serial console after switching to the hypervisor, or `xl debug-keys`. */
#ifndef XEN_KEYHANDLER_H
#define XEN_KEYHANDLER_H

void register_keyhandler(char key, void (*fn)(char key), const char *desc);
/* Runs the handler in softirq context of this CPU. False if the key has none. */
bool handle_keypress(char key);
void keyhandler_init(void);

#endif
