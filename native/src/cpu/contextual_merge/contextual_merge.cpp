/* SPDX-License-Identifier: Apache-2.0 */
// K4 on the CPU: candidate list, targets, similarities (one fused chain per pair, vectorised over the
// targets, so every chain keeps its order), then a merge in ascending token order.

#include <math.h>
#include <string.h>

#include "common/status.hpp"
#include "cpu/backend.hpp"
#include "cpu/isa.hpp"
#include "medpruner/contextual_merge.h"

namespace medpruner::cpu {
namespace {

constexpr int kLanes = 16;            // targets per block of similarities
constexpr int64_t kColumnBlock = 512;  // channels summed at a time, on the stack

struct Areas {
  int64_t* rest;     // rows outside the nucleus, ascending
  int64_t* members;  // assigned rows, by target, ascending within one
  int64_t* begin;    // first member of each target; one more than the targets
  int64_t* slot;     // target of each rest row
  float* inverse;    // inverse key norm of each rest row
  float* targets;    // target keys, [block][dim][kLanes]
  bool overflow;
  size_t size;

  Areas(const ContextualMergeArgs& args, void* base) {
    WorkspaceLayout layout(base);
    const int64_t limit = target_limit(args.ratio, args.rows);
    const int64_t blocks = limit / kLanes + 1;
    int64_t floats = 0;
    overflow = __builtin_mul_overflow(blocks * kLanes, args.dim, &floats);
    rest = layout.take<int64_t>(args.rows);
    members = layout.take<int64_t>(args.rows);
    begin = layout.take<int64_t>(limit + 1);
    slot = layout.take<int64_t>(args.rows);
    inverse = layout.take<float>(args.rows);
    targets = layout.take<float>(overflow ? 0 : floats);
    overflow = overflow || layout.overflow();
    size = layout.size();
  }
};

MEDPRUNER_BODY void squared_norm_body(const float* key, int64_t dim, float* result) {
  float sum = 0;
  for (int64_t c = 0; c < dim; ++c) {
    sum = fmaf(key[c], key[c], sum);
  }
  *result = sum;
}
MEDPRUNER_TIERS(void, squared_norm, squared_norm_body,
                (const float* key, int64_t dim, float* result), (key, dim, result))

MEDPRUNER_BODY void dots_body(const float* key, const float* targets, int64_t dim, float* dots) {
  float sums[kLanes] = {};
  for (int64_t c = 0; c < dim; ++c) {
    const float value = key[c];
    for (int l = 0; l < kLanes; ++l) {
      sums[l] = fmaf(value, targets[c * kLanes + l], sums[l]);
    }
  }
  memcpy(dots, sums, sizeof sums);
}
/** Dot products of a key with a block of targets. */
MEDPRUNER_TIERS(void, block_dots, dots_body,
                (const float* key, const float* targets, int64_t dim, float* dots),
                (key, targets, dim, dots))

class Merger {
 public:
  explicit Merger(const ContextualMergeArgs& args) : args_(args), areas_(args, args.workspace) {}

  void run() {
    for (int64_t g = 0; g < args_.segments; ++g) {
      segment(g);
    }
  }

 private:
  const float* key(int64_t row) const { return args_.keys + row * args_.key_stride; }

  void segment(int64_t g) {
    const int64_t first = args_.offsets[g];
    const int64_t last = args_.offsets[g + 1];
    int64_t count = 0;
    for (int64_t i = first; i < last; ++i) {
      args_.role[i] = MEDPRUNER_ROLE_NUCLEUS;
      args_.assignment[i] = i;
      if (args_.nucleus[i] == 0) {
        areas_.rest[count++] = i;
      }
    }
    const int64_t limit = target_limit(args_.ratio, last - first);
    const int64_t step = count / limit > 1 ? count / limit : 1;
    int64_t targets = (count + step - 1) / step;
    targets = targets < limit ? targets : limit;

    args_.flags[g] = norms(count);
    assign(count, targets, step);
    if (args_.merged != nullptr) {
      copy_rows(first, last);
      switch (args_.dtype) {
        case DType::kF16:
          merge<Half>(count, targets, step);
          break;
        case DType::kBF16:
          merge<BFloat>(count, targets, step);
          break;
        default:
          merge<float>(count, targets, step);
      }
    }
    list_kept(g, first, last);
  }

  uint32_t norms(int64_t count) {
    uint32_t flags = 0;
    for (int64_t r = 0; r < count; ++r) {
      float squared = 0;
      squared_norm(key(areas_.rest[r]), args_.dim, &squared);
      const bool zero = non_finite(squared) || squared < 1e-24f;
      areas_.inverse[r] = zero ? 0.0f : 1.0f / sqrtf(squared);
      flags |= zero ? MEDPRUNER_SEGMENT_ZERO_KEY : 0;
    }
    return flags;
  }

  /** Roles, slots and assignment of the rest rows. Target t is rest[t * step]. */
  void assign(int64_t count, int64_t targets, int64_t step) {
    const int64_t dim = args_.dim;
    for (int64_t t = 0; t < targets; ++t) {
      const float* source = key(areas_.rest[t * step]);
      float* block = areas_.targets + t / kLanes * kLanes * dim + t % kLanes;
      for (int64_t c = 0; c < dim; ++c) {
        block[c * kLanes] = source[c];
      }
    }
    for (int64_t t = targets; t % kLanes != 0; ++t) {  // unused lanes: defined, never compared
      float* block = areas_.targets + t / kLanes * kLanes * dim + t % kLanes;
      for (int64_t c = 0; c < dim; ++c) {
        block[c * kLanes] = 0;
      }
    }
    for (int64_t r = 0; r < count; ++r) {
      const int64_t row = areas_.rest[r];
      if (r % step == 0 && r / step < targets) {
        args_.role[row] = MEDPRUNER_ROLE_TARGET;
        areas_.slot[r] = -1;
        continue;
      }
      const int64_t best = nearest(row, areas_.inverse[r], targets, step);
      args_.role[row] = MEDPRUNER_ROLE_MERGED;
      args_.assignment[row] = areas_.rest[best * step];
      areas_.slot[r] = best;
    }
  }

  int64_t nearest(int64_t row, float inverse, int64_t targets, int64_t step) const {
    int64_t best = 0;
    float best_similarity = -INFINITY;
    for (int64_t base = 0; base < targets; base += kLanes) {
      float dots[kLanes];
      block_dots(key(row), areas_.targets + base * args_.dim, args_.dim, dots);
      for (int l = 0; l < kLanes && base + l < targets; ++l) {
        const float other = areas_.inverse[(base + l) * step];
        const float similarity = inverse == 0 || other == 0 ? 0.0f : (dots[l] * inverse) * other;
        if (similarity > best_similarity) {
          best_similarity = similarity;
          best = base + l;
        }
      }
    }
    return best;
  }

  void copy_rows(int64_t first, int64_t last) {
    if (args_.features == args_.merged) {
      return;  // in place
    }
    const size_t element = args_.dtype == DType::kF32 ? 4 : 2;
    for (int64_t i = first; i < last; ++i) {
      memcpy(static_cast<char*>(args_.merged) + i * args_.merged_stride * static_cast<int64_t>(element),
             static_cast<const char*>(args_.features) +
                 i * args_.feature_stride * static_cast<int64_t>(element),
             static_cast<size_t>(args_.channels) * element);
    }
  }

  template <class T>
  void merge(int64_t count, int64_t targets, int64_t step) {
    // Counting sort of the assigned rows by target; stable, so ascending within each.
    int64_t* begin = areas_.begin;
    for (int64_t t = 0; t <= targets; ++t) {
      begin[t] = 0;
    }
    for (int64_t r = 0; r < count; ++r) {
      if (areas_.slot[r] >= 0) {
        ++begin[areas_.slot[r]];
      }
    }
    int64_t sum = 0;
    for (int64_t t = 0; t <= targets; ++t) {
      const int64_t size = begin[t];
      begin[t] = sum;
      sum += size;
    }
    for (int64_t r = 0; r < count; ++r) {
      if (areas_.slot[r] >= 0) {
        areas_.members[begin[areas_.slot[r]]++] = areas_.rest[r];
      }
    }
    // Each begin[t] now stands where target t ends.
    for (int64_t t = 0; t < targets; ++t) {
      const int64_t from = t == 0 ? 0 : begin[t - 1];
      if (begin[t] > from) {
        merge_target<T>(areas_.rest[t * step], areas_.members + from, begin[t] - from);
      }
    }
  }

  template <class T>
  void merge_target(int64_t target, const int64_t* members, int64_t count) {
    const T* features = static_cast<const T*>(args_.features);
    T* merged = static_cast<T*>(args_.merged);
    float sums[kColumnBlock];
    for (int64_t column = 0; column < args_.channels; column += kColumnBlock) {
      const int64_t width =
          args_.channels - column < kColumnBlock ? args_.channels - column : kColumnBlock;
      for (int64_t c = 0; c < width; ++c) {
        sums[c] = 0;
      }
      for (int64_t j = 0; j < count; ++j) {
        const T* row = features + members[j] * args_.feature_stride + column;
        for (int64_t c = 0; c < width; ++c) {
          sums[c] += to_float(row[c]);
        }
      }
      const T* own = features + target * args_.feature_stride + column;
      T* out = merged + target * args_.merged_stride + column;
      for (int64_t c = 0; c < width; ++c) {
        from_float(to_float(own[c]) + sums[c] / static_cast<float>(count), &out[c]);
      }
    }
  }

  void list_kept(int64_t g, int64_t first, int64_t last) {
    int64_t kept = 0;
    for (int64_t i = first; i < last; ++i) {
      if (args_.role[i] != MEDPRUNER_ROLE_MERGED) {
        args_.kept_indices[first + kept++] = i;
      }
    }
    for (int64_t i = first + kept; i < last; ++i) {
      args_.kept_indices[i] = -1;
    }
    args_.kept_counts[g] = kept;
  }

  const ContextualMergeArgs& args_;
  Areas areas_;
};

}  // namespace

size_t contextual_merge_workspace(const ContextualMergeArgs& args) {
  const Areas areas(args, nullptr);
  if (areas.overflow) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "keys: its size overflows 64 bits");
  }
  return areas.size;
}

void contextual_merge(const ContextualMergeArgs& args) { Merger(args).run(); }

}  // namespace medpruner::cpu
