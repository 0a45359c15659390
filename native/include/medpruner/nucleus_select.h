/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file nucleus_select.h
 * Dynamic information nucleus selection: per segment (slice), the smallest set of tokens whose
 * cumulative weight reaches tau, in the order (score descending, index ascending). Exact integer
 * arithmetic: bit-identical on every backend given the same scores.
 *
 *   SOFTMAX(temperature): w = rne(exp2poly((v - max v) * log2(e)/temperature) * 2^31)
 *   MASS:                 w = rint((double)v / (double)max v * 2^31)   (max v = 0: all are 2^31)
 *   W = sum w;  M = max(1, ceil(tau' * W)), tau' = tau * (1 - 2^-30);  keep the shortest prefix with
 *   sum w >= M
 *
 * exp2poly(y), all in f64 with fused multiply-adds: 0 when y < -32; n = rint(y), f = y - n;
 * p = c6; p = fma(p, f, c5); ... fma(p, f, c0); w = rint(p * 2^(n+31)).
 *   c0 = 1                        c1 = 0x1.62e430af291fap-1   c2 = 0x1.ebfbdc3c314c5p-3
 *   c3 = 0x1.c6aee88bcf164p-5     c4 = 0x1.3b2d4cec4a36cp-7   c5 = 0x1.5f3e5436f4de1p-10
 *   c6 = 0x1.41fbc20404cb4p-13    (relative error 2.0e-9, and exactly 1 at 0)
 * with y = ((double)v - (double)max v) * (1.4426950408889634 / temperature), two roundings.
 * tau' enters as the integer t = rint(tau' * 2^62), M = (t * W + 2^62 - 1) >> 62 in 128 bits.
 * tau' = tau * (1 - 2^-30) is one f64 product and tau' * 2^62 is exact; rint rounds ties to even.
 * -0 counts as +0. tau = 1 keeps every token (a prefix like any other: caps apply to it).
 * kept_mass = (double)(sum of the kept w) / (double)W, after the floors and caps.
 *
 * A NaN or +Inf, or nothing but -Inf: the segment is kept whole with MEDPRUNER_SEGMENT_NON_FINITE.
 * Else MASS with a negative value (-Inf is one): kept whole with MEDPRUNER_SEGMENT_NEGATIVE_MASS. Only
 * one of the two is ever set. Whole-kept segments are outside the floors and caps (their tokens are
 * neither counted nor ranked) and have kept_mass 1.
 *
 * Floors and caps lengthen or shorten the prefix: first min_tokens and max_tokens per segment, then
 * volume_min_tokens and volume_max_tokens over all segments of a volume, in the order (score
 * descending, row ascending) over the volume's tokens: the floor adds the best unselected ones, the
 * cap keeps the best selected ones.
 *
 * On CUDA a volume with bad offsets gets no floor and no cap, and segment min(max(volumes[v], 0), G-1)
 * is flagged MEDPRUNER_SEGMENT_BAD_OFFSETS.
 */
#ifndef MEDPRUNER_NUCLEUS_SELECT_H
#define MEDPRUNER_NUCLEUS_SELECT_H

#include "medpruner/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MEDPRUNER_SCORE_SOFTMAX = 0, MEDPRUNER_SCORE_MASS = 1 };

typedef struct medpruner_nucleus_select_params {
  uint32_t struct_size;
  /** MEDPRUNER_SCORE_*. */
  int32_t score;
  /** In (0, 1]. */
  double tau;
  /** SOFTMAX: finite and >= 1e-300. MASS: ignored. */
  double temperature;
  /** Per segment; >= 0, 0 = off; min <= max where both are set. */
  int64_t min_tokens, max_tokens;
  /** Per volume; as above. */
  int64_t volume_min_tokens, volume_max_tokens;
} medpruner_nucleus_select_params;

MEDPRUNER_API medpruner_status medpruner_nucleus_select_workspace(
    const medpruner_nucleus_select_params* params, const medpruner_tensor* scores,
    const medpruner_tensor* offsets, const medpruner_tensor* volumes, size_t* bytes);

/**
 * @param[in]  scores       f32 [N], contiguous; N < 2^32
 * @param[in]  offsets      int64 [G+1] over the tokens
 * @param[in]  volumes      NULL (all segments are one volume), or int64 [V+1] over the segments
 * @param[out] mask         u8 [N], 1 = in the nucleus
 * @param[out] kept_indices i64 [N]: rows of segment g's nucleus, ascending, from offsets[g] on; entries
 *                          past the count are -1
 * @param[out] kept_counts  i64 [G]
 * @param[out] kept_mass    f64 [G]: sum of the kept weights / W; 0 for an empty segment
 * @param[out] flags        u32 [G]
 */
MEDPRUNER_API medpruner_status medpruner_nucleus_select(
    const medpruner_nucleus_select_params* params, const medpruner_tensor* scores,
    const medpruner_tensor* offsets, const medpruner_tensor* volumes, const medpruner_tensor* mask,
    const medpruner_tensor* kept_indices, const medpruner_tensor* kept_counts,
    const medpruner_tensor* kept_mass, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_NUCLEUS_SELECT_H */
