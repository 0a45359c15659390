/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file prune.h
 * Stage 2 of pruning in one call, for all segments (slices) of a batch: what
 *
 *   attention_mass (unless the masses are given) -> nucleus_select -> contextual_merge ->
 *   the rows of dropped segments taken out -> gather_rows
 *
 * give one after the other, bit for bit, without their [N, C] copy of merged features: kept rows go
 * straight from @p features to @p packed. On CUDA a handful of launches, no host synchronisation;
 * can be captured in a graph.
 *
 * A segment dropped by stage 1 (its entry of @p segments is 0) is selected and merged as any other, but
 * of its kept rows only those among its first dropped_tokens rows are packed.
 *
 * Flags are the union of those of the ops. NON_FINITE: kept whole by the selection; with query given,
 * its masses were NaN. On CUDA a GRID segment of another length than its grid has NaN masses,
 * pooled keys 0, and both BAD_OFFSETS and NON_FINITE: it is kept whole. All other bad segments are
 * skipped and pack no row.
 */
#ifndef MEDPRUNER_PRUNE_H
#define MEDPRUNER_PRUNE_H

#include "medpruner/attention_mass.h"
#include "medpruner/contextual_merge.h"
#include "medpruner/nucleus_select.h"
#include "medpruner/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The nested structs are those of the ops, their struct_size set as there. */
typedef struct medpruner_prune_params {
  uint32_t struct_size;
  uint32_t reserved;
  /** Looked at only when query is given. */
  medpruner_attention_mass_params attention;
  medpruner_nucleus_select_params nucleus;
  medpruner_contextual_merge_params merge;
  /** Leading rows of a dropped segment that may stay, >= 0; without segments it has no effect. */
  int64_t dropped_tokens;
} medpruner_prune_params;

/** Tensors as for medpruner_prune(). */
MEDPRUNER_API medpruner_status medpruner_prune_workspace(
    const medpruner_prune_params* params, const medpruner_tensor* query,
    const medpruner_tensor* key, const medpruner_tensor* pooled_keys,
    const medpruner_tensor* features, const medpruner_tensor* offsets,
    const medpruner_tensor* volumes, size_t* bytes);

/**
 * N tokens of C features in G segments; `pool` patches per token.
 *
 * @param[in]  query          NULL: mass and pooled_keys are inputs. Else as attention_mass
 *                            [N * pool, H, d], and they are outputs
 * @param[in]  key            NULL iff query is; as query
 * @param[in]  lse            NULL, or with query f32 [H, N * pool] as attention_mass
 * @param      mass           f32 [N], contiguous; N < 2^32
 * @param      pooled_keys    f32 [N, d]; as an input row stride any
 * @param[in]  features       f16, bf16 or f32 [N, C]; row stride any. Never written. C on CUDA as
 *                            contextual_merge
 * @param[in]  offsets        int64 [G+1] over the tokens; patch offsets follow from them
 * @param[in]  segments       NULL (all stay), or u8 [G], 0 = dropped
 * @param[in]  volumes        NULL, or int64 [V+1] over the segments, as nucleus_select
 * @param[out] packed         as features [capacity, C], compact: the kept rows in order, targets with
 *                            what was merged into them; rows past the total stay as they were. Too
 *                            small: an argument error on the CPU, on CUDA the CAPACITY flag of the
 *                            segments that do not fit whole. N rows always suffice
 * @param[out] packed_rows    i64 [capacity]: the row of features each packed row is, to gather positions
 *                            or other planes by; entries past the total stay as they were
 * @param[out] packed_offsets i64 [G+1]: row of packed where each segment begins; the last is the total
 * @param[out] role           u8 [N], MEDPRUNER_ROLE_*, of dropped segments too
 * @param[out] assignment     i64 [N]: the row that stands for this one
 * @param[out] kept_mass      f64 [G], as nucleus_select
 * @param[out] flags          u32 [G]
 */
MEDPRUNER_API medpruner_status medpruner_prune(
    const medpruner_prune_params* params, const medpruner_tensor* query,
    const medpruner_tensor* key, const medpruner_tensor* lse, const medpruner_tensor* mass,
    const medpruner_tensor* pooled_keys, const medpruner_tensor* features,
    const medpruner_tensor* offsets, const medpruner_tensor* segments,
    const medpruner_tensor* volumes, const medpruner_tensor* packed,
    const medpruner_tensor* packed_rows, const medpruner_tensor* packed_offsets,
    const medpruner_tensor* role, const medpruner_tensor* assignment,
    const medpruner_tensor* kept_mass, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_PRUNE_H */
