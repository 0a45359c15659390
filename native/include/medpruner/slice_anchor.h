/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file slice_anchor.h
 * Inter-slice anchor-based filtering (MedPruner, arXiv 2603.11625, stage 1): a slice is dropped when
 * its mean absolute difference to the last kept slice is at most gamma.
 *
 *   keep[0] = 1; anchor = 0
 *   distance[i] = (float)(scale * (sum_j |x[i][j] - x[anchor][j]| / S))          i = 1 .. D-1
 *   keep[i] = distance[i] > (float)gamma, or i - anchor >= max_gap when max_gap > 0
 *
 * Sums: u8 and i16 exactly in 64-bit integers. f16, bf16 and f32 (converted to f32 first) in one
 * canonical order: chunks of 4096 values; in a chunk, lane l of 32 starts from +0 and adds |a-b| of
 * the values l, l+32, ... in f32 (a lane without values stays +0); the lanes are folded by a butterfly
 * (l with l^16, l^8, l^4, l^2, l^1; f32); the chunk totals are added in order in f64 from 0. The
 * division and the product are f64, the result is rounded once to f32 and that number is compared:
 * distance, keep and representative are bit-identical on every backend. A NaN distance is written as
 * 0x7fc00000.
 *
 * A slice whose distance is NaN or infinite is kept, flagged, and becomes the anchor; the first slice
 * of a segment is flagged when it holds a NaN or an infinity.
 *
 * On CUDA a segment with bad offsets gets kept_counts -1 (there is no flag per segment here); the rest
 * of its outputs stays as it was.
 */
#ifndef MEDPRUNER_SLICE_ANCHOR_H
#define MEDPRUNER_SLICE_ANCHOR_H

#include "medpruner/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bits of medpruner_slice_anchor_params.flags. */
enum {
  /**
   * Only the decisions: distance and flags must be NULL. keep, representative, kept_indices and
   * kept_counts are bit for bit those without it. Reading may end as soon as they are certain: the
   * running sum never decreases, so a slice is kept from where it exceeds gamma or is not finite.
   */
  MEDPRUNER_ANCHOR_DECIDE_ONLY = 1
};

typedef struct medpruner_slice_anchor_params {
  uint32_t struct_size;
  /** MEDPRUNER_ANCHOR_*; other bits are refused. */
  uint32_t flags;
  /** Threshold in the units of the scaled values; not NaN. Rounded to f32: what then is < 0 keeps all. */
  double gamma;
  /** Factor of the distance, finite and > 0: 1 for normalised floats, 1/127.5 for u8 shown as [-1,1]. */
  double scale;
  /** Keep at least every max_gap-th slice; 0 = off. */
  int64_t max_gap;
} medpruner_slice_anchor_params;

/**
 * Bytes of workspace for @p slices; outputs are not looked at.
 */
MEDPRUNER_API medpruner_status medpruner_slice_anchor_workspace(
    const medpruner_slice_anchor_params* params, const medpruner_tensor* slices,
    const medpruner_tensor* offsets, size_t* bytes);

/**
 * @param[in]  slices         u8, i16, f16, bf16 or f32 [D, S]; row stride any, values contiguous;
 *                            S >= 1, D < 2^31
 * @param[in]  offsets        int64 [G+1] over slices: one segment per volume
 * @param[out] keep           u8 [D], 1 = kept
 * @param[out] distance       f32 [D], 0 for the first slice of a segment; NULL with DECIDE_ONLY
 * @param[out] representative i32 [D], a row of @p slices: a kept slice names itself, a dropped one the
 *                            anchor that stands for it
 * @param[out] kept_indices   i32 [D]: rows of the kept slices of segment g, ascending, from offsets[g]
 *                            on; entries past the count are -1
 * @param[out] kept_counts    i32 [G]
 * @param[out] flags          u32 [D], MEDPRUNER_SEGMENT_* of each slice; NULL with DECIDE_ONLY
 */
MEDPRUNER_API medpruner_status medpruner_slice_anchor(
    const medpruner_slice_anchor_params* params, const medpruner_tensor* slices,
    const medpruner_tensor* offsets, const medpruner_tensor* keep, const medpruner_tensor* distance,
    const medpruner_tensor* representative, const medpruner_tensor* kept_indices,
    const medpruner_tensor* kept_counts, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream);

/**
 * slice_anchor with a guard for what is small: a slice also stays when one patch of it differs by more
 * than patch_gamma from the same patch of the anchor, however little that moves the mean of the slice.
 *
 * A slice is `channels` planes of [height, width] values, S = channels * height * width. Patch
 * (r, c) of the grid holds, of every plane, rows r * patch_height to (r + 1) * patch_height - 1 and columns
 * c * patch_width to (c + 1) * patch_width - 1; at the lower and the right edge a patch holds what is left,
 * and its mean is over that. Its index is r * ceil(width / patch_width) + c. Other layouts:
 *
 *   planar [C, H, W]              channels C, height H, width W,     patch ph x pw
 *   interleaved [H, W, C]         channels 1, height H, width W * C, patch ph x (pw * C)
 *   patch vectors [tokens, P]     channels 1, height tokens, width P, patch 1 x P
 *
 *   patch[i][p]       = (float)(scale * (sum of |x[i][j] - x[anchor][j]| over patch p / its values))
 *   patch_distance[i] = max_p patch[i][p], patch_index[i] = the lowest p that has it      i = 1 .. D-1
 *   keep[i]           = as slice_anchor, or patch_distance[i] > (float)patch_gamma
 *
 * Sums: u8 and i16 exactly in 64-bit integers. f16, bf16 and f32 (converted to f32 first) in one canonical
 * order: in a plane, each column of the patch starts from +0 and adds |a-b| of its rows from the top in
 * f32; lane l of 32 starts from +0 and adds the sums of columns l, l+32, ... of the patch in f32; the lanes
 * are folded by the butterfly of slice_anchor; the planes' totals are added in order in f64 from 0.
 * Division, product and rounding are those of slice_anchor, and so are distance and its bits: both come
 * from one pass over the values.
 *
 * A NaN in a patch makes patch_distance 0x7fc00000, of the lowest such patch. A slice whose distance or
 * patch_distance is NaN or infinite is kept, flagged, and becomes the anchor.
 */
typedef struct medpruner_slice_anchor_patches_params {
  uint32_t struct_size;
  uint32_t reserved;
  /** With its own struct_size. */
  medpruner_slice_anchor_params anchor;
  /**
   * Threshold of a patch in the units of the scaled values; not NaN. Rounded to f32: then 0 keeps a slice
   * with a patch whose difference is not 0 in f32, < 0 keeps all, and +infinity measures patches and keeps
   * none for them.
   */
  double patch_gamma;
  /** Of a slice; each >= 1, their product is S. */
  int64_t channels, height, width;
  /**
   * Each >= 1, and they may exceed height and width; patch_height * patch_width is at most 65536 all the
   * same. Less than 2^31 patches. CUDA refuses floats of some 2^30 rows of patches in all planes with
   * MEDPRUNER_ERR_UNSUPPORTED: its blocks of work would be 2^31 or more.
   */
  int64_t patch_height, patch_width;
} medpruner_slice_anchor_patches_params;

/** Bytes of workspace for @p slices; outputs are not looked at. */
MEDPRUNER_API medpruner_status medpruner_slice_anchor_patches_workspace(
    const medpruner_slice_anchor_patches_params* params, const medpruner_tensor* slices,
    const medpruner_tensor* offsets, size_t* bytes);

/**
 * As medpruner_slice_anchor(), and
 *
 * @param[out] patch_distance f32 [D], 0 for the first slice of a segment; NULL with DECIDE_ONLY
 * @param[out] patch_index    i32 [D], -1 for the first slice of a segment; NULL with DECIDE_ONLY
 */
MEDPRUNER_API medpruner_status medpruner_slice_anchor_patches(
    const medpruner_slice_anchor_patches_params* params, const medpruner_tensor* slices,
    const medpruner_tensor* offsets, const medpruner_tensor* keep, const medpruner_tensor* distance,
    const medpruner_tensor* patch_distance, const medpruner_tensor* patch_index,
    const medpruner_tensor* representative, const medpruner_tensor* kept_indices,
    const medpruner_tensor* kept_counts, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream);

#ifdef __cplusplus
}
#endif

#endif /* MEDPRUNER_SLICE_ANCHOR_H */
