/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe.h
 * What this machine can do at most, measured beside the ops: read and copy bandwidth, fused
 * multiply-adds, and the price of a C call. The callers (medpruner_bench, and the Java benchmarks
 * through a shared library) take the time; every function runs its work once on the threads asked for
 * and returns when all are done. Thread-safe; nothing is kept between calls.
 */
#ifndef MEDPRUNER_BENCH_PROBE_H
#define MEDPRUNER_BENCH_PROBE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROBE_API __attribute__((visibility("default")))

/** Reads every byte once, each thread its own part; a sum of the words, so that no load is dropped. */
PROBE_API uint64_t probe_read(const void* memory, size_t bytes, int32_t threads);

/** Copies with stores past the caches; 64-byte aligned, no overlap. Moves 2 * bytes. */
PROBE_API void probe_copy(void* destination, const void* source, size_t bytes, int32_t threads);

/**
 * Independent f32 fused multiply-adds in registers, in the widest vectors of @p isa (a tier as
 * medpruner_cpu_isa() names it). @return the floating-point operations done (2 per element)
 */
PROBE_API double probe_fma(const char* isa, int64_t rounds, int32_t threads);

/** Does nothing; returns 0. */
PROBE_API uint32_t probe_nothing(void);

/** Calls @p function @p times times from C, never inlined. @return the sum of what it returned */
PROBE_API uint64_t probe_call(uint32_t (*function)(void), int64_t times);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_BENCH_PROBE_H */
