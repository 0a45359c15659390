/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file threads.h
 * The threads of the CPU backend: one pool per process, made when first needed, at most as large as set
 * here. A call uses its own thread and, when no other call has them, the pool's; a call that finds the
 * pool taken runs on its own thread alone, so that calls from many threads neither wait for each other
 * nor start more threads than cores. Results do not depend on any of this.
 *
 * Small calls stay on the calling thread. Idle threads sleep without spinning. The pool's threads block all
 * signals but those of faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS), which reach the process's
 * handlers as from any thread.
 * After fork() the child makes a pool of its own when it needs one.
 */
#ifndef MEDPRUNER_THREADS_H
#define MEDPRUNER_THREADS_H

#include <stdint.h>

#include "medpruner/export.h"
#include "medpruner/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Sets how many threads one call may use, its own included; holds for calls that begin later, in the
 * whole process. Workspace queries depend on it: a workspace that was queried for fewer threads is
 * still accepted, and then fewer are used.
 *
 * @param threads 1 to 256, or 0 for the default: MEDPRUNER_THREADS in the environment where that is a
 *                number from 1 to 256, else the processors this process may run on, and no more than
 *                the quota of its control group (docker run --cpus, a CPU limit of Kubernetes) is
 *                worth, rounded up; both are read once
 */
MEDPRUNER_API medpruner_status medpruner_set_cpu_threads(int32_t threads);

/** How many threads one call may use; never 0. */
MEDPRUNER_API int32_t medpruner_cpu_threads(void);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_THREADS_H */
