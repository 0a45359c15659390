/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file attention_mass.h
 * Attention column mass of a vision encoder layer, without a T x T buffer: per segment (slice) of T
 * patches,
 *
 *   P_h = softmax_rows(scale * Q_h K_h^T);  v[k] = (1/H) sum_h sum_q P_h[q,k]     (sum_k v[k] = T)
 *   mass[j] = mean of v over the patches pooled into token j;  pooled_keys[j] = mean of K over the
 *   same patches, then over heads
 *
 * Q and K come with any rotary embedding applied. Memory beyond the tensors: O(H * T), on the CPU up to
 * 4 * (H + 64) bytes a patch, and some 4 * (d + 50) for each thread, of at most 8192 patches: 16 heads
 * of 4096 patches and d = 72 take 5 MB with two threads.
 * Run to run the result is bit-stable on one device. Between CPU and CUDA, and with exact arithmetic,
 * it agrees within 1e-5 relative, not bit for bit, while scale * sum_i |q_i * k_i| of every logit is at
 * most 17; beyond, the error of an f32 logit, which the exponential passes on, may reach 6e-7 times the
 * largest such sum: products that cancel leave a small logit with the error of the large ones. Masses below
 * 1e-3 are within what these bounds allow at 1e-3, and far below it may be 0. Where keys of both signs
 * cancel, pooled keys may be off by what f32 sums in any order are, (pool * H + 4) * 2^-24 times the mean of
 * |K| over the token's patches and heads; those below 1e-3 are as at 1e-3. On CUDA the
 * log-sum-exp of a row of f16 or bf16 is one f32: where logits times log2(e) reach 2^24, the masses of a
 * segment need not even add up to T, and from some 2^32 on it may be flagged as if a logit were infinite.
 * A NaN or infinity in Q, K or lse, or on the way in f32 (a product q.k before or after its factor
 * scale * log2(e), the factor itself, with a given lse the exponential of a logit above it or the sum of a
 * key's exponentials over the queries of one head), gives NaN masses in the whole segment and
 * MEDPRUNER_SEGMENT_NON_FINITE; pooled_keys are the plain means even then.
 */
#ifndef MEDPRUNER_ATTENTION_MASS_H
#define MEDPRUNER_ATTENTION_MASS_H

#include "medpruner/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How patches become tokens. */
enum {
  /** `group` consecutive patches: one token (merge-block order: Qwen3-VL, Hulu-Med). 1 = no pooling. */
  MEDPRUNER_POOLING_CONTIGUOUS = 0,
  /** Raster patches of a grid_h x grid_w grid in block_h x block_w blocks (SigLIP/Gemma 3). */
  MEDPRUNER_POOLING_GRID = 1
};

typedef struct medpruner_attention_mass_params {
  uint32_t struct_size;
  /** MEDPRUNER_POOLING_*. */
  int32_t pooling;
  /** Factor of the logits, finite and >= 0; 0 means 1/sqrt(head_dim). */
  double scale;
  /** CONTIGUOUS: patches per token, >= 1; every segment's length is a multiple of it. */
  int64_t group;
  /**
   * GRID: every non-empty segment has grid_h * grid_w patches; the blocks divide the grid. On CUDA a
   * segment whose length or start does not fit its pooling counts as one with bad offsets.
   */
  int64_t grid_h, grid_w, block_h, block_w;
} medpruner_attention_mass_params;

MEDPRUNER_API medpruner_status medpruner_attention_mass_workspace(
    const medpruner_attention_mass_params* params, const medpruner_tensor* query,
    const medpruner_tensor* key, const medpruner_tensor* offsets, size_t* bytes);

/**
 * @param[in]  query       f16, bf16 or f32 [N, H, d]; strides of N and H any, the last is 1;
 *                         H >= 1, 1 <= d <= 256. On CUDA (N / 64 + G) * H < 2^31, else
 *                         MEDPRUNER_ERR_UNSUPPORTED
 * @param[in]  key         as query
 * @param[in]  lse         NULL, or f32 [H, N]: natural log of each query row's sum of exponentials of
 *                         the scaled logits, as flash-attention returns it; saves the first pass
 * @param[in]  offsets     int64 [G+1] over the N patches
 * @param[out] mass        f32 [N / pool], tokens of segment g from offsets[g] / pool on, where pool is
 *                         group or block_h * block_w
 * @param[out] pooled_keys NULL, or f32 [N / pool, d]
 * @param[out] flags       u32 [G]
 */
MEDPRUNER_API medpruner_status medpruner_attention_mass(
    const medpruner_attention_mass_params* params, const medpruner_tensor* query,
    const medpruner_tensor* key, const medpruner_tensor* lse, const medpruner_tensor* offsets,
    const medpruner_tensor* mass, const medpruner_tensor* pooled_keys,
    const medpruner_tensor* flags, void* workspace, size_t workspace_bytes, void* stream);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_ATTENTION_MASS_H */
