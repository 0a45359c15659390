/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The five ops written down plainly from the header comments: sorts, doubles, O(T^2) loops. Slow and
// obvious, and sharing no code with the library.

#include <math.h>

#include <algorithm>
#include <numeric>

#include "ops.hpp"

namespace reference {

inline float value_of(float v) { return v; }
inline float value_of(BF16 v) {
  const uint32_t bits = static_cast<uint32_t>(v.bits) << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}
inline float decode(F16 v) {
  const int sign = v.bits >> 15;
  const int exponent = (v.bits >> 10) & 31;
  const int mantissa = v.bits & 1023;
  double magnitude;
  if (exponent == 31) {
    magnitude = mantissa == 0 ? static_cast<double>(INFINITY) : static_cast<double>(NAN);
  } else if (exponent == 0) {
    magnitude = ldexp(mantissa, -24);
  } else {
    magnitude = ldexp(1024 + mantissa, exponent - 25);
  }
  return static_cast<float>(sign ? -magnitude : magnitude);
}

/** From a table: put_small asks for 15 of them to make one value, and a test makes millions. */
inline float value_of(F16 v) {
  static const std::vector<float> decoded = [] {
    std::vector<float> values(1 << 16);
    for (uint32_t bits = 0; bits < values.size(); ++bits) {
      values[bits] = decode(F16{static_cast<uint16_t>(bits)});
    }
    return values;
  }();
  return decoded[v.bits];
}

/** Nearest, ties to even, by searching; `bits_of` maximum finite handled by the caller's inputs. */
inline void put(float value, float* out) {
  *out = value;
  if (isnan(value)) {
    const uint32_t nan = 0x7fc00000u;
    memcpy(out, &nan, 4);
  }
}
template <class T>
void put_small(float value, T* out, uint16_t nan, uint16_t infinity) {
  if (isnan(value)) {
    out->bits = nan;
    return;
  }
  const uint16_t sign = signbit(value) ? 0x8000 : 0;
  const double target = fabs(static_cast<double>(value));
  // The positive patterns ascend in value: bisect for the last one not above the target.
  uint32_t low = 0;
  uint32_t high = infinity;
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    T probe = {static_cast<uint16_t>(middle)};
    (static_cast<double>(value_of(probe)) <= target ? low : high) = middle;
  }
  T below = {static_cast<uint16_t>(low)};
  const double floor = static_cast<double>(value_of(below));
  T before = {static_cast<uint16_t>(high - 1)};
  T earlier = {static_cast<uint16_t>(high == infinity ? high - 2 : high - 1)};
  // Beyond the largest finite value the next step would be as wide as the last one.
  const double step = high == infinity ? static_cast<double>(value_of(before)) -
                                             static_cast<double>(value_of(earlier))
                                       : static_cast<double>(value_of(T{static_cast<uint16_t>(high)})) -
                                             floor;
  const double rest = target - floor;
  const bool up = rest > step / 2 || (rest == step / 2 && (low & 1) != 0);
  out->bits = static_cast<uint16_t>(sign | (up ? high : low));
}
inline void put(float value, F16* out) { put_small(value, out, 0x7e00, 0x7c00); }
inline void put(float value, BF16* out) { put_small(value, out, 0x7fc0, 0x7f80); }

template <class T>
double total_difference(const T* a, const T* b, int64_t n) {
  if constexpr (std::is_integral_v<T>) {
    int64_t sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      sum += llabs(static_cast<int64_t>(a[j]) - static_cast<int64_t>(b[j]));
    }
    return static_cast<double>(sum);
  } else {
    double total = 0;
    for (int64_t chunk = 0; chunk < n; chunk += 4096) {
      volatile float lane[32] = {};  // volatile: one f32 rounding per addition
      for (int64_t j = chunk; j < std::min(n, chunk + 4096); ++j) {
        const int l = static_cast<int>((j - chunk) % 32);
        lane[l] = lane[l] + fabsf(value_of(a[j]) - value_of(b[j]));
      }
      for (int distance : {16, 8, 4, 2, 1}) {
        float folded[32];
        for (int l = 0; l < 32; ++l) {
          folded[l] = lane[l] + lane[l ^ distance];
        }
        for (int l = 0; l < 32; ++l) {
          lane[l] = folded[l];
        }
      }
      total += static_cast<double>(lane[0]);
    }
    return total;
  }
}

template <class T>
bool has_special(const T* values, int64_t n) {
  if constexpr (std::is_integral_v<T>) {
    return false;
  } else {
    return std::any_of(values, values + n, [](T v) { return !isfinite(value_of(v)); });
  }
}

/** Sum of |a - b| over patch (r, c), in the order of slice_anchor.h, and its number of values. */
template <class T>
double patch_difference(const T* a, const T* b, const medpruner_slice_anchor_patches_params& g,
                        int64_t r, int64_t c, int64_t* values) {
  const int64_t top = r * g.patch_height;
  const int64_t left = c * g.patch_width;
  const int64_t bottom = std::min(top + g.patch_height, g.height);
  const int64_t right = std::min(left + g.patch_width, g.width);
  *values = g.channels * (bottom - top) * (right - left);
  double total = 0;
  for (int64_t plane = 0; plane < g.channels; ++plane) {
    float lane[32] = {};
    for (int64_t x = left; x < right; ++x) {
      float column = 0;
      for (int64_t y = top; y < bottom; ++y) {
        const int64_t at = (plane * g.height + y) * g.width + x;
        if constexpr (std::is_integral_v<T>) {
          total += static_cast<double>(std::abs(static_cast<int>(a[at]) - static_cast<int>(b[at])));
        } else {
          column = column + fabsf(value_of(a[at]) - value_of(b[at]));
        }
      }
      float& sum = lane[(x - left) % 32];
      sum = sum + column;
    }
    for (int width = 16; width > 0; width /= 2) {
      for (int l = 0; l < width; ++l) {
        lane[l] = lane[l] + lane[l + width];
      }
    }
    total += static_cast<double>(lane[0]);
  }
  return total;
}

/** patches may be null. */
template <class T>
AnchorResult slice_anchor(const Tensor<T>& slices, const std::vector<int64_t>& offsets,
                          double gamma, double scale, int64_t max_gap,
                          const medpruner_slice_anchor_patches_params* patches = nullptr) {
  const int64_t rows = slices.shape[0];
  const int64_t size = slices.shape[1];
  const int64_t stride = slices.strides.empty() ? size : slices.strides[0];
  const auto row = [&](int64_t i) {
    return slices.values.data() + static_cast<int64_t>(slices.offset) + i * stride;
  };
  AnchorResult r;
  r.keep = output<uint8_t>({rows});
  r.distance = output<float>({rows});
  r.representative = output<int32_t>({rows});
  r.kept_indices = output<int32_t>({rows});
  r.kept_counts = output<int32_t>({static_cast<int64_t>(offsets.size()) - 1});
  r.flags = output<uint32_t>({rows});
  if (patches != nullptr) {
    r.patch_distance = output<float>({rows});
    r.patch_index = output<int32_t>({rows});
  }
  std::fill(r.kept_indices.values.begin(), r.kept_indices.values.end(), -1);
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    int64_t anchor = offsets[g];
    int64_t kept = 0;
    for (int64_t i = offsets[g]; i < offsets[g + 1]; ++i) {
      float distance = 0;
      bool keep = true;
      bool flag = has_special(row(i), size);
      if (i > offsets[g]) {
        put(static_cast<float>(scale * (total_difference(row(i), row(anchor), size) /
                                        static_cast<double>(size))),
            &distance);
        flag = !isfinite(distance);
        keep = flag || distance > static_cast<float>(gamma) ||
               (max_gap > 0 && i - anchor >= max_gap);
      }
      const size_t at = static_cast<size_t>(i);
      if (patches != nullptr) {
        float largest = 0;
        int64_t where = i > offsets[g] ? 0 : -1;
        const int64_t columns = (patches->width - 1) / patches->patch_width + 1;
        const int64_t count = columns * ((patches->height - 1) / patches->patch_height + 1);
        for (int64_t p = 0; i > offsets[g] && p < count && !std::isnan(largest); ++p) {
          int64_t values = 0;
          const double sum = patch_difference(row(i), row(anchor), *patches, p / columns,
                                              p % columns, &values);
          const float d = static_cast<float>(scale * (sum / static_cast<double>(values)));
          if (d > largest || std::isnan(d)) {
            put(d, &largest);
            where = p;
          }
        }
        flag = flag || !isfinite(largest);
        keep = keep || !isfinite(largest) || largest > static_cast<float>(patches->patch_gamma);
        r.patch_distance.values[at] = largest;
        r.patch_index.values[at] = static_cast<int32_t>(where);
      }
      anchor = keep ? i : anchor;
      r.keep.values[at] = keep;
      r.distance.values[at] = distance;
      r.representative.values[at] = static_cast<int32_t>(anchor);
      r.flags.values[at] = flag ? 1 : 0;
      if (keep) {
        r.kept_indices.values[static_cast<size_t>(offsets[g] + kept++)] = static_cast<int32_t>(i);
      }
    }
    r.kept_counts.values[g] = static_cast<int32_t>(kept);
  }
  return r;
}

/** v per patch in f64, then pooled. [rows] x [heads] x [dim] compact f32. */
inline std::vector<double> column_mass(const std::vector<float>& q, const std::vector<float>& k,
                                       int64_t n, int64_t heads, int64_t dim, double scale) {
  std::vector<double> mass(static_cast<size_t>(n), 0);
  std::vector<double> p(static_cast<size_t>(n));
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < n; ++i) {
      double top = -static_cast<double>(INFINITY);
      for (int64_t j = 0; j < n; ++j) {
        double dot = 0;
        for (int64_t c = 0; c < dim; ++c) {
          dot += static_cast<double>(q[static_cast<size_t>((i * heads + h) * dim + c)]) *
                 static_cast<double>(k[static_cast<size_t>((j * heads + h) * dim + c)]);
        }
        p[static_cast<size_t>(j)] = scale * dot;
        top = std::max(top, scale * dot);
      }
      double sum = 0;
      for (double& value : p) {
        value = exp(value - top);
        sum += value;
      }
      for (int64_t j = 0; j < n; ++j) {
        mass[static_cast<size_t>(j)] += p[static_cast<size_t>(j)] / sum / static_cast<double>(heads);
      }
    }
  }
  return mass;
}

/** exp2poly of nucleus_select.h. */
inline uint64_t weight(double y) {
  if (y < -32) {
    return 0;
  }
  const double c[7] = {1.0,
                       0x1.62e430af291fap-1,
                       0x1.ebfbdc3c314c5p-3,
                       0x1.c6aee88bcf164p-5,
                       0x1.3b2d4cec4a36cp-7,
                       0x1.5f3e5436f4de1p-10,
                       0x1.41fbc20404cb4p-13};
  const double n = rint(y);
  double p = c[6];
  for (int i = 5; i >= 0; --i) {
    p = fma(p, y - n, c[i]);
  }
  return static_cast<uint64_t>(rint(ldexp(p, static_cast<int>(n) + 31)));
}

inline NucleusResult nucleus_select(const medpruner_nucleus_select_params& params,
                                    const std::vector<float>& scores,
                                    const std::vector<int64_t>& offsets,
                                    std::vector<int64_t> volumes = {}) {
  const int64_t rows = static_cast<int64_t>(scores.size());
  const int64_t segments = static_cast<int64_t>(offsets.size()) - 1;
  NucleusResult r;
  r.mask = output<uint8_t>({rows});
  r.kept_indices = output<int64_t>({rows});
  r.kept_counts = output<int64_t>({segments});
  r.kept_mass = output<double>({segments});
  r.flags = output<uint32_t>({segments});
  std::vector<uint64_t> w(static_cast<size_t>(rows), 0);
  const auto better = [&](int64_t a, int64_t b) {
    return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
  };
  auto& mask = r.mask.values;
  std::fill(mask.begin(), mask.end(), 0);
  for (int64_t g = 0; g < segments; ++g) {
    const int64_t begin = offsets[static_cast<size_t>(g)];
    const int64_t end = offsets[static_cast<size_t>(g + 1)];
    const int64_t n = end - begin;
    uint32_t& flag = r.flags.values[static_cast<size_t>(g)];
    flag = 0;
    bool special = false;
    bool negative = false;
    int64_t minus = 0;
    float top = -INFINITY;
    for (int64_t i = begin; i < end; ++i) {
      const float s = scores[static_cast<size_t>(i)];
      special = special || isnan(s) || s == INFINITY;
      negative = negative || s < 0;
      minus += s == -INFINITY;
      top = std::max(top, s);
    }
    if (n > 0 && (special || minus == n)) {
      flag = MEDPRUNER_SEGMENT_NON_FINITE;
    } else if (params.score == MEDPRUNER_SCORE_MASS && negative) {
      flag = MEDPRUNER_SEGMENT_NEGATIVE_MASS;
    }
    if (flag != 0) {
      std::fill(mask.begin() + begin, mask.begin() + end, 1);
      continue;
    }
    unsigned __int128 total = 0;
    for (int64_t i = begin; i < end; ++i) {
      const double s = static_cast<double>(scores[static_cast<size_t>(i)]);
      uint64_t& weight_i = w[static_cast<size_t>(i)];
      if (params.score == MEDPRUNER_SCORE_SOFTMAX) {
        weight_i =
            weight((s - static_cast<double>(top)) * (1.4426950408889634 / params.temperature));
      } else {
        weight_i = top == 0 ? 1ull << 31
                            : static_cast<uint64_t>(rint(s / static_cast<double>(top) * 0x1p31));
      }
      total += weight_i;
    }
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), begin);
    std::stable_sort(order.begin(), order.end(), better);
    const unsigned __int128 tau =
        static_cast<uint64_t>(rint(params.tau * (1 - 0x1p-30) * 0x1p62));
    unsigned __int128 target = (tau * total + ((static_cast<unsigned __int128>(1) << 62) - 1)) >> 62;
    target = target < 1 ? 1 : target;
    int64_t length = 0;
    unsigned __int128 sum = 0;
    while (length < n && (params.tau == 1 || sum < target)) {
      sum += w[static_cast<size_t>(order[static_cast<size_t>(length++)])];
    }
    length = std::max(length, std::min(params.min_tokens, n));
    length = params.max_tokens > 0 ? std::min(length, params.max_tokens) : length;
    for (int64_t i = 0; i < length; ++i) {
      mask[static_cast<size_t>(order[static_cast<size_t>(i)])] = 1;
    }
  }
  if (volumes.empty()) {
    volumes = {0, segments};
  }
  for (size_t v = 0; v + 1 < volumes.size(); ++v) {
    std::vector<int64_t> in, left;
    for (int64_t g = volumes[v]; g < volumes[v + 1]; ++g) {
      for (int64_t i = offsets[static_cast<size_t>(g)];
           r.flags.values[static_cast<size_t>(g)] == 0 && i < offsets[static_cast<size_t>(g + 1)];
           ++i) {
        (mask[static_cast<size_t>(i)] != 0 ? in : left).push_back(i);
      }
    }
    std::stable_sort(in.begin(), in.end(), better);
    std::stable_sort(left.begin(), left.end(), better);
    int64_t kept = static_cast<int64_t>(in.size());
    for (size_t i = 0; i < left.size() && kept < params.volume_min_tokens; ++i, ++kept) {
      mask[static_cast<size_t>(left[i])] = 1;
    }
    for (size_t i = in.size(); params.volume_max_tokens > 0 && kept > params.volume_max_tokens;
         --kept) {
      mask[static_cast<size_t>(in[--i])] = 0;
    }
  }
  std::fill(r.kept_indices.values.begin(), r.kept_indices.values.end(), -1);
  for (int64_t g = 0; g < segments; ++g) {
    const size_t at = static_cast<size_t>(g);
    int64_t count = 0;
    uint64_t kept = 0;
    uint64_t total = 0;
    for (int64_t i = offsets[at]; i < offsets[at + 1]; ++i) {
      total += w[static_cast<size_t>(i)];
      if (mask[static_cast<size_t>(i)] != 0) {
        kept += w[static_cast<size_t>(i)];
        r.kept_indices.values[static_cast<size_t>(offsets[at] + count++)] = i;
      }
    }
    r.kept_counts.values[at] = count;
    r.kept_mass.values[at] = r.flags.values[at] != 0 ? 1
                             : total == 0 ? 0
                                          : static_cast<double>(kept) / static_cast<double>(total);
  }
  return r;
}

template <class T>
MergeResult<T> contextual_merge(double ratio, const Tensor<T>* features, const Tensor<float>& keys,
                                const std::vector<uint8_t>& nucleus_mask,
                                const std::vector<int64_t>& offsets) {
  const int64_t rows = keys.shape[0];
  const int64_t dim = keys.shape[1];
  const int64_t key_stride = keys.strides.empty() ? dim : keys.strides[0];
  const auto key = [&](int64_t i, int64_t c) {
    return keys.values[static_cast<size_t>(i * key_stride + c)];
  };
  const auto chain = [&](int64_t a, int64_t b) {
    float sum = 0;
    for (int64_t c = 0; c < dim; ++c) {
      sum = fmaf(key(a, c), key(b, c), sum);
    }
    return sum;
  };
  MergeResult<T> r;
  r.role = output<uint8_t>({rows});
  r.assignment = output<int64_t>({rows});
  r.kept_indices = output<int64_t>({rows});
  r.kept_counts = output<int64_t>({static_cast<int64_t>(offsets.size()) - 1});
  r.flags = output<uint32_t>({static_cast<int64_t>(offsets.size()) - 1});
  const int64_t channels = features == nullptr ? 0 : features->shape[1];
  const int64_t stride = features == nullptr          ? 0
                         : features->strides.empty() ? channels
                                                     : features->strides[0];
  if (features != nullptr) {
    r.merged = output<T>({rows, channels});
    for (int64_t i = 0; i < rows; ++i) {
      std::copy_n(features->values.begin() + i * stride, channels,
                  r.merged.values.begin() + i * channels);
    }
  }
  std::fill(r.kept_indices.values.begin(), r.kept_indices.values.end(), -1);
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    const int64_t n = offsets[g + 1] - offsets[g];
    std::vector<int64_t> rest, targets;
    for (int64_t i = offsets[g]; i < offsets[g + 1]; ++i) {
      r.role.values[static_cast<size_t>(i)] = MEDPRUNER_ROLE_NUCLEUS;
      r.assignment.values[static_cast<size_t>(i)] = i;
      if (nucleus_mask[static_cast<size_t>(i)] == 0) {
        rest.push_back(i);
      }
    }
    const int64_t m = std::max<int64_t>(static_cast<int64_t>(trunc(ratio * static_cast<double>(n))), 1);
    const int64_t count = static_cast<int64_t>(rest.size());
    const int64_t step = std::max<int64_t>(1, count / m);
    for (int64_t i = 0; i < count && static_cast<int64_t>(targets.size()) < m; i += step) {
      targets.push_back(rest[static_cast<size_t>(i)]);
      r.role.values[static_cast<size_t>(rest[static_cast<size_t>(i)])] = MEDPRUNER_ROLE_TARGET;
    }
    r.flags.values[g] = 0;
    const auto inverse = [&](int64_t i) {
      const float squared = chain(i, i);
      return squared < 1e-24f || !isfinite(squared) ? 0.0f : 1.0f / sqrtf(squared);
    };
    std::vector<std::vector<int64_t>> members(targets.size());
    for (int64_t i : rest) {
      if (inverse(i) == 0) {
        r.flags.values[g] = MEDPRUNER_SEGMENT_ZERO_KEY;
      }
      if (r.role.values[static_cast<size_t>(i)] == MEDPRUNER_ROLE_TARGET) {
        continue;
      }
      size_t best = 0;
      float highest = -INFINITY;
      for (size_t t = 0; t < targets.size(); ++t) {
        const float a = inverse(i);
        const float b = inverse(targets[t]);
        const float similarity = a == 0 || b == 0 ? 0 : (chain(i, targets[t]) * a) * b;
        if (similarity > highest) {
          highest = similarity;
          best = t;
        }
      }
      r.role.values[static_cast<size_t>(i)] = MEDPRUNER_ROLE_MERGED;
      r.assignment.values[static_cast<size_t>(i)] = targets[best];
      members[best].push_back(i);
    }
    for (size_t t = 0; features != nullptr && t < targets.size(); ++t) {
      for (int64_t c = 0; c < channels && !members[t].empty(); ++c) {
        float sum = 0;
        for (int64_t i : members[t]) {
          sum = sum + value_of(features->values[static_cast<size_t>(i * stride + c)]);
        }
        const float mean = sum / static_cast<float>(members[t].size());
        put(value_of(features->values[static_cast<size_t>(targets[t] * stride + c)]) + mean,
            &r.merged.values[static_cast<size_t>(targets[t] * channels + c)]);
      }
    }
    int64_t kept = 0;
    for (int64_t i = offsets[g]; i < offsets[g + 1]; ++i) {
      if (r.role.values[static_cast<size_t>(i)] != MEDPRUNER_ROLE_MERGED) {
        r.kept_indices.values[static_cast<size_t>(offsets[g] + kept++)] = i;
      }
    }
    r.kept_counts.values[g] = kept;
  }
  return r;
}

}  // namespace reference
