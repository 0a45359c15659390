/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file status.h
 * Status codes and the per-thread error text. Every entry point that can fail returns a
 * medpruner_status; values are never renumbered. A failed call launched nothing and wrote nothing,
 * except MEDPRUNER_ERR_CUDA, after which the contents of the outputs are undefined.
 */
#ifndef MEDPRUNER_STATUS_H
#define MEDPRUNER_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "medpruner/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t medpruner_status;

enum {
  MEDPRUNER_OK = 0,
  /** An argument is null, out of range, of the wrong dtype, shape, stride, device or alignment. */
  MEDPRUNER_ERR_INVALID_ARGUMENT = 1,
  /** Valid in itself, but not implemented by this backend or build. */
  MEDPRUNER_ERR_UNSUPPORTED = 2,
  /**
   * Host or device memory ran out. Ops never allocate: medpruner_alloc() returns it, and the calls that make
   * an object on the host, as medpruner_graph_end(). What CUDA runs out of on its own, making a stream or a
   * graph, is MEDPRUNER_ERR_CUDA, with code 2.
   */
  MEDPRUNER_ERR_OUT_OF_MEMORY = 3,
  /** The backend the tensors name (CUDA) is not built in, or has no driver or device here. */
  MEDPRUNER_ERR_BACKEND_UNAVAILABLE = 4,
  /** A CUDA runtime call failed; medpruner_last_error() gives its code and text. */
  MEDPRUNER_ERR_CUDA = 5,
  /**
   * The workspace is smaller than the op needs. What its query says is always enough; an op on the CPU whose query
   * grows with the threads takes less, down to what it says for one, and then uses fewer (threads.h).
   */
  MEDPRUNER_ERR_WORKSPACE_TOO_SMALL = 6,
  /** A defect in this library. */
  MEDPRUNER_ERR_INTERNAL = 7
};

/**
 * Copies the text of the last failed call made by this OS thread, which names the argument at
 * fault, into @p buffer (always terminated when @p capacity > 0; truncated if it does not fit).
 * A successful call leaves the text as it was.
 *
 * @param[out] buffer    may be NULL when @p capacity is 0
 * @param[in]  capacity  bytes in @p buffer
 * @param[out] cuda_code the cudaError_t of that failure, 0 if it had none; may be NULL
 * @return bytes of the whole text without its terminator
 */
MEDPRUNER_API size_t medpruner_last_error(char* buffer, size_t capacity, int32_t* cuda_code);

/** The name of a status ("MEDPRUNER_OK"); a static string, never NULL, not to be freed. */
MEDPRUNER_API const char* medpruner_status_name(medpruner_status status);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_STATUS_H */
