/* SPDX-License-Identifier: Apache-2.0 */
// K1 on the CPU: one pass over the slices, each read once against the anchor, in the canonical order of
// slice_anchor.h (integers exactly, floats in chunks of 4096 values and 32 lanes).

#include <math.h>
#include <string.h>

#include "cpu/backend.hpp"
#include "cpu/isa.hpp"
#include "medpruner/ops.h"

namespace medpruner::cpu {
namespace {

constexpr int64_t kChunk = 4096;
constexpr int kLanes = 32;

/** Sum of |a - b| over n values; |difference| <= 65535, so 32768 of them fit 32 bits. */
template <class T>
MEDPRUNER_BODY double integer_sum(const T* a, const T* b, int64_t n) {
  uint64_t total = 0;
  for (int64_t begin = 0; begin < n; begin += 32768) {
    const int count = static_cast<int>(n - begin < 32768 ? n - begin : 32768);
    uint32_t part = 0;
    for (int i = 0; i < count; ++i) {
      const int difference = static_cast<int>(a[begin + i]) - static_cast<int>(b[begin + i]);
      part += static_cast<uint32_t>(difference < 0 ? -difference : difference);
    }
    total += part;
  }
  return static_cast<double>(total);
}

// Four lanes of the canonical order: a native register of every tier, so that the 32 lanes stay in
// eight of them (an array of 32 floats is stored and reloaded every round, at a third of the speed).
typedef float Lanes4 __attribute__((vector_size(16)));
constexpr int kQuads = kLanes / 4;

template <class T>
MEDPRUNER_BODY Lanes4 load_quad(const T* values) {
  float converted[4];
  for (int i = 0; i < 4; ++i) {
    converted[i] = to_float(values[i]);
  }
  Lanes4 result;
  memcpy(&result, converted, sizeof result);
  return result;
}

MEDPRUNER_BODY Lanes4 absolute(Lanes4 value) {
  typedef int32_t Bits4 __attribute__((vector_size(16)));
  Bits4 bits;
  memcpy(&bits, &value, sizeof bits);
  bits &= 0x7fffffff;
  memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T>
MEDPRUNER_BODY double float_sum(const T* a, const T* b, int64_t n) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int count = static_cast<int>(n - begin < kChunk ? n - begin : kChunk);
    const T* x = a + begin;
    const T* y = b + begin;
    Lanes4 s0 = {}, s1 = {}, s2 = {}, s3 = {}, s4 = {}, s5 = {}, s6 = {}, s7 = {};
    int i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      s0 += absolute(load_quad(x + i) - load_quad(y + i));
      s1 += absolute(load_quad(x + i + 4) - load_quad(y + i + 4));
      s2 += absolute(load_quad(x + i + 8) - load_quad(y + i + 8));
      s3 += absolute(load_quad(x + i + 12) - load_quad(y + i + 12));
      s4 += absolute(load_quad(x + i + 16) - load_quad(y + i + 16));
      s5 += absolute(load_quad(x + i + 20) - load_quad(y + i + 20));
      s6 += absolute(load_quad(x + i + 24) - load_quad(y + i + 24));
      s7 += absolute(load_quad(x + i + 28) - load_quad(y + i + 28));
    }
    const Lanes4 quads[kQuads] = {s0, s1, s2, s3, s4, s5, s6, s7};
    float lanes[kLanes];
    memcpy(lanes, quads, sizeof lanes);
    for (int l = 0; i + l < count; ++l) {
      lanes[l] += fabsf(to_float(x[i + l]) - to_float(y[i + l]));
    }
    for (int width = kLanes / 2; width > 0; width /= 2) {
      for (int l = 0; l < width; ++l) {
        lanes[l] += lanes[l + width];
      }
    }
    total += static_cast<double>(lanes[0]);
  }
  return total;
}

#define MEDPRUNER_ANCHOR_TIERS(type, body)                                                     \
  MEDPRUNER_TIERS(double, sum_##type, body, (const type* a, const type* b, int64_t n), (a, b, n)) \
  inline double difference_sum(const type* a, const type* b, int64_t n) {                      \
    return sum_##type(a, b, n);                                                                \
  }

MEDPRUNER_ANCHOR_TIERS(uint8_t, integer_sum)
MEDPRUNER_ANCHOR_TIERS(int16_t, integer_sum)
MEDPRUNER_ANCHOR_TIERS(float, float_sum)
MEDPRUNER_ANCHOR_TIERS(Half, float_sum)
MEDPRUNER_ANCHOR_TIERS(BFloat, float_sum)

template <class T>
bool holds_non_finite(const T* values, int64_t n) {
  bool found = false;
  for (int64_t i = 0; i < n; ++i) {
    found |= non_finite(to_float(values[i]));
  }
  return found;
}
bool holds_non_finite(const uint8_t*, int64_t) { return false; }
bool holds_non_finite(const int16_t*, int64_t) { return false; }

template <class T>
void run(const SliceAnchorArgs& args) {
  const T* slices = static_cast<const T*>(args.slices);
  for (int64_t g = 0; g < args.segments; ++g) {
    const int64_t begin = args.offsets[g];
    const int64_t end = args.offsets[g + 1];
    int64_t anchor = begin;
    int64_t kept = 0;
    for (int64_t i = begin; i < end; ++i) {
      const T* slice = slices + i * args.row_stride;
      bool keep = true;
      float distance = 0;
      uint32_t flags = 0;
      if (i == begin) {
        flags = holds_non_finite(slice, args.cols) ? MEDPRUNER_SEGMENT_NON_FINITE : 0;
      } else {
        const double sum = difference_sum(slice, slices + anchor * args.row_stride, args.cols);
        distance =
            canonical(static_cast<float>(args.scale * (sum / static_cast<double>(args.cols))));
        const bool abnormal = non_finite(distance);
        flags = abnormal ? MEDPRUNER_SEGMENT_NON_FINITE : 0;
        keep = abnormal || distance > args.gamma ||
               (args.max_gap > 0 && i - anchor >= args.max_gap);
      }
      if (keep) {
        anchor = i;
        args.kept_indices[begin + kept++] = static_cast<int32_t>(i);
      }
      args.keep[i] = keep ? 1 : 0;
      args.distance[i] = distance;
      args.representative[i] = static_cast<int32_t>(anchor);
      args.flags[i] = flags;
    }
    for (int64_t i = begin + kept; i < end; ++i) {
      args.kept_indices[i] = -1;
    }
    args.kept_counts[g] = static_cast<int32_t>(kept);
  }
}

}  // namespace

void slice_anchor(const SliceAnchorArgs& args) {
  switch (args.dtype) {
    case DType::kU8:
      return run<uint8_t>(args);
    case DType::kI16:
      return run<int16_t>(args);
    case DType::kF16:
      return run<Half>(args);
    case DType::kBF16:
      return run<BFloat>(args);
    default:
      return run<float>(args);
  }
}

}  // namespace medpruner::cpu
