/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gather_rows.h
 * Ragged compaction: packs the kept rows of every segment densely, in order. Moves features, positions
 * or any other per-token rows with the index lists of nucleus_select or contextual_merge.
 */
#ifndef MEDPRUNER_GATHER_ROWS_H
#define MEDPRUNER_GATHER_ROWS_H

#include "medpruner/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct medpruner_gather_rows_params {
  uint32_t struct_size;
  uint32_t reserved;
} medpruner_gather_rows_params;

MEDPRUNER_API medpruner_status medpruner_gather_rows_workspace(
    const medpruner_gather_rows_params* params, const medpruner_tensor* source,
    const medpruner_tensor* offsets, size_t* bytes);

/**
 * @param[in]  source         any 1, 2, 4 or 8-byte dtype [N, C]; row stride any, values contiguous
 * @param[in]  indices        i64 [N]: source rows of segment g from offsets[g] on, in any order, a row
 *                            more than once too; those past the count are not looked at. A row outside
 *                            [0, N) is an argument error on the CPU; on CUDA its output row is
 *                            zero-filled and segment g is flagged BAD_OFFSETS
 * @param[in]  counts         i64 [G]: how many of them count, each in [0, offsets[g+1] - offsets[g]];
 *                            beyond that an argument error on the CPU; on CUDA, as with bad offsets,
 *                            the segment is flagged BAD_OFFSETS and packs no row
 * @param[in]  offsets        int64 [G+1] over the rows of @p source
 * @param[out] packed         as source [capacity, C], compact; rows past the total stay as they were.
 *                            Too small: an argument error on the CPU, the CAPACITY flag on CUDA
 * @param[out] packed_offsets i64 [G+1]: row of @p packed where each segment begins; the last is the
 *                            total
 * @param[out] flags          u32 [G]
 */
MEDPRUNER_API medpruner_status medpruner_gather_rows(
    const medpruner_gather_rows_params* params, const medpruner_tensor* source,
    const medpruner_tensor* indices, const medpruner_tensor* counts,
    const medpruner_tensor* offsets, const medpruner_tensor* packed,
    const medpruner_tensor* packed_offsets, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_GATHER_ROWS_H */
