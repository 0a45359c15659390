/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ops.h
 * What all ops share.
 *
 * - Ragged batches: `offsets` is int64[G+1] on the same device as the other tensors, ascending from
 *   offsets[0] = 0 to offsets[G] = rows; segment g covers rows [offsets[g], offsets[g+1]). Empty
 *   segments are allowed. On the CPU bad offsets are refused with MEDPRUNER_ERR_INVALID_ARGUMENT. On
 *   CUDA they lie in device memory, which a call must not wait for: there a bad segment (descending,
 *   or beyond the rows) is skipped without touching memory outside the tensors, its outputs stay as
 *   they were, and its MEDPRUNER_SEGMENT_BAD_OFFSETS flag is set. Where segments overlap because the
 *   offsets between them are out of order, what those segments hold is not specified, but nothing
 *   outside them is touched.
 * - Outputs and workspace are the caller's; ops never allocate and never synchronise. The workspace
 *   lies on the op's device, aligned to 16 bytes, and holds nothing between calls; it may be NULL
 *   when the query gave 0. Outputs and workspace must not overlap inputs or each other unless an op
 *   says so, judged by the address range from a tensor's first to its last element.
 * - Tensors are compact row-major unless an op says "stride any": then that stride of an input may be
 *   any value, zero and negative too, and that of an output any value that keeps its rows apart. A
 *   stride that no element is reached by (an extent of 1, a tensor of no elements) is not looked at.
 * - A workspace query looks at the descriptors, not at data: data may still be NULL there.
 * - The device of the first tensor chooses the backend; all tensors must be on it. A CUDA call is
 *   asynchronous on `stream` (a cudaStream_t of that device, NULL = legacy default stream), sets the
 *   device for its duration and restores the former one, and can be captured in a CUDA graph. A former
 *   device on which the process has no primary context is not restored, for that would make one there:
 *   the op's device then stays the thread's. G, and the number of volumes with bounds, are less than 2^31
 *   on CUDA, else MEDPRUNER_ERR_UNSUPPORTED. On the CPU the call is synchronous and `stream` must be NULL.
 * - Every params struct starts with struct_size, which the caller sets to its sizeof; any other value
 *   is refused. Reserved fields must be zero.
 * - Ops keep no state: any number of threads may call them at once on different outputs.
 * - Results do not depend on grid size, thread count, instruction set or batch composition, nor on the
 *   calling thread's rounding mode or flushing of subnormals, which an op puts aside and restores.
 */
#ifndef MEDPRUNER_OPS_H
#define MEDPRUNER_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "medpruner/export.h"
#include "medpruner/status.h"
#include "medpruner/tensor.h"

/** Bits of the per-slice and per-segment flags (uint32) that ops write. */
enum {
  /** A NaN or infinity was met; what that does is said at the op. */
  MEDPRUNER_SEGMENT_NON_FINITE = 1,
  /** The MASS score met a negative value: the segment is kept whole. */
  MEDPRUNER_SEGMENT_NEGATIVE_MASS = 2,
  /** A key of zero or non-finite norm was met; its similarities count as 0. */
  MEDPRUNER_SEGMENT_ZERO_KEY = 4,
  /** CUDA only: this segment's offsets are out of order or out of range; it was skipped. */
  MEDPRUNER_SEGMENT_BAD_OFFSETS = 8,
  /** CUDA only: the output has too few rows for what was kept; nothing was written past its end. */
  MEDPRUNER_SEGMENT_CAPACITY = 16
};

#endif /* MEDPRUNER_OPS_H */
