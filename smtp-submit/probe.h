/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef SUBMIT_PROBE_H
#define SUBMIT_PROBE_H

/* How the machine is. */

#include <apr.h>

typedef struct probe_t {
    int memory; /* percent in use, -1: unknown */
    int cpu;    /* percent busy since the last look, -1: unknown */
    int rebooted;
    apr_uint64_t busy, all; /* of the last look */
} probe_t;

/* Fills memory and cpu. */
void probe_machine(probe_t *probe);

/* From the text of /proc/meminfo and of /proc/stat. */
int probe_memory(const char *meminfo);
int probe_cpu(probe_t *probe, const char *stat);

/* 1 when the network interface is up, 0 when it is down or not there. */
int probe_interface(const char *name);

/* A socket on which the kernel tells of devices; -1 when there is none. */
int probe_devices(void);

/* 1 when the kernel's message tells that a USB device came, -1 that one went,
 * else 0. */
int probe_usb(const char *message, apr_size_t len);

/* 1 when a TCP connection can be made within 5 seconds, else 0. */
int probe_tcp(const char *host, int port);

#endif
