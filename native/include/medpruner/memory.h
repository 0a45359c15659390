/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file memory.h
 * Memory and streams for callers without a framework of their own. Ops never call these. Freeing from
 * another thread than the allocating one is allowed; two calls on one pointer at once are not. Of a CUDA
 * device a call makes the primary context, and which device the thread has afterwards is as ops.h says of
 * an op.
 */
#ifndef MEDPRUNER_MEMORY_H
#define MEDPRUNER_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "medpruner/export.h"
#include "medpruner/status.h"
#include "medpruner/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Allocates @p bytes, aligned to 64 bytes on the CPU and to 256 on CUDA. The contents are undefined.
 * @p bytes = 0 gives NULL and MEDPRUNER_OK.
 */
MEDPRUNER_API medpruner_status medpruner_alloc(const medpruner_device* device, size_t bytes,
                                               void** pointer);

/** Frees what medpruner_alloc() gave for the same device; NULL is allowed. */
MEDPRUNER_API medpruner_status medpruner_free(const medpruner_device* device, void* pointer);

/**
 * Copies between any two devices; with a CUDA side it is ordered on @p stream (a cudaStream_t of that
 * device, NULL = legacy default stream) and may return before it is done. Ranges must not overlap.
 */
MEDPRUNER_API medpruner_status medpruner_copy(void* destination,
                                              const medpruner_device* destination_device,
                                              const void* source,
                                              const medpruner_device* source_device, size_t bytes,
                                              void* stream);

/** A non-blocking stream of a CUDA device; on the CPU gives NULL, which is its only stream. */
MEDPRUNER_API medpruner_status medpruner_stream_create(const medpruner_device* device,
                                                       void** stream);

/** Waits for the stream's work and destroys it; NULL is allowed. */
MEDPRUNER_API medpruner_status medpruner_stream_destroy(const medpruner_device* device,
                                                        void* stream);

/** Blocks until all work queued on @p stream is done; a no-op on the CPU. */
MEDPRUNER_API medpruner_status medpruner_stream_synchronize(const medpruner_device* device,
                                                            void* stream);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_MEMORY_H */
