/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file contextual_merge.h
 * Merges the tokens outside the nucleus into a few contextual targets, per segment of n tokens:
 *
 *   m = max(trunc(ratio * n), 1)                      (f64 product)
 *   rest = rows outside the nucleus, ascending; step = max(1, |rest| / m)
 *   targets = rest[0], rest[step], ... (at most m);  the other rest tokens are assigned to the target
 *   with the highest cosine similarity of keys (ties: the lowest target)
 *   feature[target] += mean(features assigned to it)
 *
 * |rest| = 0: nothing to do. 0 < |rest| < m: every rest token is a target.
 *
 * Canonical arithmetic, bit-identical on every backend: |k|^2 and dot products in f32, one chain of
 * fused multiply-adds over ascending components from 0; inverse norm = 1/sqrt (f32, IEEE, two
 * roundings), taken as 0 when |k|^2 < 1e-24f or is not finite (flag ZERO_KEY, raised by any token of
 * rest, whether or not something is assigned); similarity = (dot * inv_token) * inv_target, exactly 0
 * when either inverse is 0. Feature sums in f32 in ascending token order from 0, the mean by one f32
 * division by (float)count, target + mean in f32, rounded once (to nearest even) to the feature type;
 * a NaN result is written as 0x7fc00000 (f32), 0x7fc0 (bf16), 0x7e00 (f16). Rows that are not the
 * target of anything are copied bit for bit.
 */
#ifndef MEDPRUNER_CONTEXTUAL_MERGE_H
#define MEDPRUNER_CONTEXTUAL_MERGE_H

#include "medpruner/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Roles of a token after merging. */
enum { MEDPRUNER_ROLE_MERGED = 0, MEDPRUNER_ROLE_NUCLEUS = 1, MEDPRUNER_ROLE_TARGET = 2 };

typedef struct medpruner_contextual_merge_params {
  uint32_t struct_size;
  uint32_t reserved;
  /** Share of a segment's tokens that become targets, in [0, 1]. */
  double ratio;
} medpruner_contextual_merge_params;

MEDPRUNER_API medpruner_status medpruner_contextual_merge_workspace(
    const medpruner_contextual_merge_params* params, const medpruner_tensor* keys,
    const medpruner_tensor* offsets, size_t* bytes);

/**
 * @param[in]  features     NULL (assignment only), or f16, bf16, f32 [N, C]; row stride any. On CUDA C is at
 *                          most 16776960, or as many units of 16 bytes where all rows are aligned to
 *                          them: beyond that MEDPRUNER_ERR_UNSUPPORTED
 * @param[in]  keys         f32 [N, d]; row stride any. On CUDA N < 2^32, else MEDPRUNER_ERR_UNSUPPORTED
 * @param[in]  nucleus      u8 [N], nonzero = in the nucleus
 * @param[in]  offsets      int64 [G+1] over the tokens
 * @param[out] merged       NULL iff features is, else as features [N, C]: target rows merged, all
 *                          others copied; row stride any. May be the very same memory as features
 *                          with the same row stride (in place)
 * @param[out] role         u8 [N], MEDPRUNER_ROLE_*
 * @param[out] assignment   i64 [N]: the row that stands for this one; nucleus and target rows name
 *                          themselves
 * @param[out] kept_indices i64 [N]: nucleus and target rows of segment g, ascending, from offsets[g]
 *                          on; entries past the count are -1
 * @param[out] kept_counts  i64 [G]
 * @param[out] flags        u32 [G]
 */
MEDPRUNER_API medpruner_status medpruner_contextual_merge(
    const medpruner_contextual_merge_params* params, const medpruner_tensor* features,
    const medpruner_tensor* keys, const medpruner_tensor* nucleus, const medpruner_tensor* offsets,
    const medpruner_tensor* merged, const medpruner_tensor* role,
    const medpruner_tensor* assignment, const medpruner_tensor* kept_indices,
    const medpruner_tensor* kept_counts, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_CONTEXTUAL_MERGE_H */
