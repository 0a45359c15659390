/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What the checked C entries hand to a backend: plain pointers and extents, no descriptors. Strides are
// in elements.

#include <stddef.h>
#include <stdint.h>

#include "common/dtype.hpp"
#include "common/patch_grid.hpp"

namespace medpruner {

struct SliceAnchorArgs {
  const void* slices;
  DType dtype;
  int64_t rows, cols, row_stride;
  const int64_t* offsets;
  int64_t segments;
  float gamma;
  double scale;
  int64_t max_gap;
  bool decide_only;
  bool with_patches;
  PatchGrid grid;     // with_patches
  float patch_gamma;  // with_patches
  uint8_t* keep;
  float* distance;        // null iff decide_only
  float* patch_distance;  // null iff decide_only or not with_patches
  int32_t* patch_index;   // as patch_distance
  int32_t* representative;
  int32_t* kept_indices;
  int32_t* kept_counts;
  uint32_t* flags;  // null iff decide_only
  void* workspace;
};

struct AttentionMassArgs {
  const void* query;
  const void* key;
  DType dtype;
  int64_t rows, heads, dim;
  int64_t query_row_stride, query_head_stride;
  int64_t key_row_stride, key_head_stride;
  const float* lse;  // may be null
  const int64_t* offsets;
  int64_t segments;
  double scale;  // resolved: never 0
  bool grid;
  int64_t pool;  // patches per token
  int64_t grid_h, grid_w, block_h, block_w;
  float* mass;
  float* pooled_keys;  // may be null
  uint32_t* flags;
  void* workspace;
  size_t workspace_bytes;  // CPU: at least what one worker needs
};

struct NucleusSelectArgs {
  const float* scores;
  int64_t rows;
  const int64_t* offsets;
  int64_t segments;
  const int64_t* volumes;  // may be null
  int64_t volume_count;    // 1 when volumes is null
  bool mass_score;
  bool keep_all;     // tau = 1
  uint64_t tau_q62;  // rint(tau' * 2^62)
  double factor;     // log2(e) / temperature
  int64_t min_tokens, max_tokens, volume_min_tokens, volume_max_tokens;
  uint8_t* mask;
  int64_t* kept_indices;
  int64_t* kept_counts;
  double* kept_mass;
  uint32_t* flags;
  void* workspace;
};

struct ContextualMergeArgs {
  const void* features;  // may be null
  DType dtype;
  int64_t rows, channels, feature_stride;
  const float* keys;
  int64_t dim, key_stride;
  const uint8_t* nucleus;
  const int64_t* offsets;
  int64_t segments;
  double ratio;
  void* merged;  // null iff features is
  int64_t merged_stride;
  uint8_t* role;
  int64_t* assignment;
  int64_t* kept_indices;
  int64_t* kept_counts;
  uint32_t* flags;
  void* workspace;
};

struct GatherRowsArgs {
  const char* source;
  int64_t rows, row_bytes, row_stride_bytes;
  const int64_t* indices;
  const int64_t* counts;
  const int64_t* offsets;
  int64_t segments;
  char* packed;
  int64_t capacity;
  int64_t* packed_offsets;
  uint32_t* flags;
  void* workspace;
};

/** The backend fills in what one step leaves to the next. */
struct PruneArgs {
  AttentionMassArgs attention;  // with_query; offsets and outputs unset
  NucleusSelectArgs nucleus;    // mask, kept_indices, kept_counts, flags unset
  ContextualMergeArgs merge;    // merged null; nucleus, kept_indices, kept_counts, flags unset
  bool with_query;              // mass and pooled_keys are outputs, else inputs
  float* mass;
  float* pooled_keys;
  const uint8_t* segment_kept;  // may be null
  int64_t dropped_tokens;
  void* packed;
  int64_t capacity;
  int64_t* packed_rows;
  int64_t* packed_offsets;
  uint32_t* flags;
  void* workspace;
  size_t workspace_bytes;  // CPU: at least what one worker needs
};

/** Contextual targets of a segment of n tokens, as contextual_merge.h defines m. */
MEDPRUNER_HD inline int64_t target_limit(double ratio, int64_t n) {
  const int64_t m = static_cast<int64_t>(ratio * static_cast<double>(n));
  return m > 1 ? m : 1;
}

/** Which of a segment's tokens outside the nucleus, counted from 0, are targets. */
struct TargetPlan {
  int64_t step, count;

  /** For `rest` tokens outside the nucleus of `n` in all. */
  MEDPRUNER_HD static TargetPlan of(double ratio, int64_t n, int64_t rest) {
    const int64_t limit = target_limit(ratio, n);
    const int64_t whole = quotient(rest, limit);
    const int64_t step = whole > 1 ? whole : 1;
    const int64_t count = multiples(rest, step);
    return {step, count < limit ? count : limit};
  }

  /** Targets among the first `rank` tokens outside the nucleus. */
  MEDPRUNER_HD int64_t before(int64_t rank) const {
    const int64_t passed = multiples(rank, step);
    return passed < count ? passed : count;
  }

 private:
  /** Neither negative; on a GPU both below 2^32, since a division of 64 bits is some 70 instructions there. */
  MEDPRUNER_HD static int64_t quotient(int64_t a, int64_t b) {
#if defined(__CUDA_ARCH__)
    return static_cast<uint32_t>(a) / static_cast<uint32_t>(b);
#else
    return a / b;
#endif
  }

  /** Of b, in [0, a). */
  MEDPRUNER_HD static int64_t multiples(int64_t a, int64_t b) {
    const int64_t whole = quotient(a, b);
    return whole * b < a ? whole + 1 : whole;
  }
};

/** Lays areas out in a workspace, each aligned to 64 bytes; with a null base it only measures. */
class WorkspaceLayout {
 public:
  explicit WorkspaceLayout(void* base) : base_(static_cast<char*>(base)) {}

  template <class T>
  T* take(int64_t count) {
    // The base is only promised to be aligned to 16 bytes, so areas are aligned relative to it.
    size_t bytes = 0;
    if (__builtin_mul_overflow(static_cast<size_t>(count), sizeof(T), &bytes) ||
        bytes > SIZE_MAX - 63 || __builtin_add_overflow(size_, (bytes + 63) / 64 * 64, &next_)) {
      overflow_ = true;
      return nullptr;
    }
    T* area = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + size_);
    size_ = next_;
    return area;
  }

  size_t size() const { return size_; }
  bool overflow() const { return overflow_; }

 private:
  char* base_;
  size_t size_ = 0;
  size_t next_ = 0;
  bool overflow_ = false;
};

}  // namespace medpruner
