/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What the cases of all ops need: inputs, comparisons, rows. CUDA is checked against the CPU backend, the
// CPU backend against the plain references of the tests.

#include <math.h>
#include <string.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "measure.hpp"
#include "ops.hpp"
#include "reference.hpp"

template <class T>
const char* dtype_name();
template <>
inline const char* dtype_name<uint8_t>() { return "u8"; }
template <>
inline const char* dtype_name<float>() { return "f32"; }
template <>
inline const char* dtype_name<BF16>() { return "bf16"; }

/** The rate that products of T are held against: on a GPU bf16 has an instruction of its own. */
template <class T>
const char* ceiling_of_products(const Backend& backend) {
  return backend.cuda() && std::is_same_v<T, BF16> ? "bf16 products" : "f32 fma";
}

template <class T>
void require_same(const std::vector<T>& a, const std::vector<T>& b, const char* what) {
  require(a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0,
          std::string(what) + " differs");
}

inline std::string dimensions(std::initializer_list<int64_t> extents) {
  std::string text;
  for (const int64_t extent : extents) {
    text += (text.empty() ? "[" : ", ") + std::to_string(extent);
  }
  return text + "]";
}

/** Runs a case; a failed check costs its own figures, not those of the cases behind it. */
template <class Case, class... Arguments>
void attempt(Case* one, const Backend& backend, const Wanted& wanted, Results& results,
             const Arguments&... arguments) {
  results.attempt([&] { one(backend, arguments..., wanted, results); });
}

/** Adds the row, and on CUDA a second one, replayed as a graph. */
inline void add(const Backend& backend, Row row, const std::function<void()>& call,
                Results& results) {
  row.backend = backend.name();
  row.seconds = backend.time(call);
  results.attempt([&] { results.push(row); });
  if (backend.cuda()) {
    size_t nodes = 0;
    row.seconds = backend.time_graph(call, &nodes);
    row.name += " graph";
    row.check += "; captured as a graph of " + std::to_string(nodes) +
                 " nodes, which a host synchronisation or an allocation would have failed";
    results.attempt([&] { results.push(std::move(row)); });
  }
}

template <class T>
std::vector<T> normals(uint64_t seed, size_t count) {
  Noise noise(seed);
  std::vector<T> values(count);
  for (T& v : values) {
    if constexpr (std::is_same_v<T, BF16>) {
      const float f = noise.normal();
      uint32_t bits;
      memcpy(&bits, &f, 4);
      v.bits = static_cast<uint16_t>(bits >> 16);
    } else {
      v = noise.normal();
    }
  }
  return values;
}

inline void require_close(const std::vector<float>& a, const float* b, double tolerance,
                          const char* what, double* worst) {
  for (size_t i = 0; i < a.size(); ++i) {
    const double expected = static_cast<double>(b[i]);
    const double difference =
        fabs(static_cast<double>(a[i]) - expected) / std::max(1.0, fabs(expected));
    require(difference <= tolerance, std::string(what) + " differs");
    *worst = std::max(*worst, difference);
  }
}

/** Attention masses: log-normal, mean near 1. */
inline std::vector<float> masses(int64_t count) {
  Noise noise(12);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) {
    v = expf(noise.normal() - 0.5f);
  }
  return values;
}
