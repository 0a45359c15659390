/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <string.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#define TIER(isa) __attribute__((target(isa)))
#endif

namespace {

/** Runs body(0) .. body(threads - 1), the first on the calling thread. */
template <class Body>
void on_threads(int32_t threads, const Body& body) {
  std::vector<std::thread> others;
  for (int32_t t = 1; t < threads; ++t) {
    others.emplace_back([&body, t] { body(t); });
  }
  body(0);
  for (std::thread& thread : others) {
    thread.join();
  }
}

/** Part t of `count` things in blocks of `block`: [begin, end). */
struct Part {
  size_t begin, end;
  Part(size_t count, size_t block, int32_t t, int32_t threads) {
    const size_t blocks = (count + block - 1) / block;
    const auto share = [&](int32_t i) {
      return std::min(count, blocks * static_cast<size_t>(i) / static_cast<size_t>(threads) * block);
    };
    begin = share(t);
    end = share(t + 1);
  }
};

uint64_t sum_words(const unsigned char* p, size_t bytes) {
  uint64_t sum = 0, word;
  for (; bytes >= sizeof word; p += sizeof word, bytes -= sizeof word) {
    memcpy(&word, p, sizeof word);
    sum += word;
  }
  for (; bytes > 0; ++p, --bytes) {
    sum += *p;
  }
  return sum;
}

#if defined(__x86_64__)
// One stream per thread: more of them, prefetches and huge pages were 20 to 40 % slower on Zen 5.
TIER("avx2") uint64_t sum_avx2(const unsigned char* p, size_t bytes) {
  __m256i sum[4] = {};
  size_t i = 0;
  for (; i + 128 <= bytes; i += 128) {
    for (size_t k = 0; k < 4; ++k) {
      sum[k] = _mm256_add_epi64(
          sum[k], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + i + 32 * k)));
    }
  }
  alignas(32) uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes),
                     _mm256_add_epi64(_mm256_add_epi64(sum[0], sum[1]),
                                      _mm256_add_epi64(sum[2], sum[3])));
  return lanes[0] + lanes[1] + lanes[2] + lanes[3] + sum_words(p + i, bytes - i);
}

TIER("avx512f") uint64_t sum_avx512(const unsigned char* p, size_t bytes) {
  __m512i sum[4] = {};
  size_t i = 0;
  for (; i + 256 <= bytes; i += 256) {
    for (size_t k = 0; k < 4; ++k) {
      sum[k] = _mm512_add_epi64(sum[k], _mm512_loadu_si512(p + i + 64 * k));
    }
  }
  alignas(64) uint64_t lanes[8];
  _mm512_store_si512(lanes, _mm512_add_epi64(_mm512_add_epi64(sum[0], sum[1]),
                                             _mm512_add_epi64(sum[2], sum[3])));
  return sum_words(reinterpret_cast<const unsigned char*>(lanes), sizeof lanes) +
         sum_words(p + i, bytes - i);
}

void copy_past_caches(unsigned char* to, const unsigned char* from, size_t bytes) {
  size_t i = 0;
  for (; i + 64 <= bytes; i += 64) {
    for (size_t k = 0; k < 64; k += 16) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + i + k),
                       _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i + k)));
    }
  }
  _mm_sfence();
  memcpy(to + i, from + i, bytes - i);
}

// Latency 4, two pipes: eight chains; twelve leave slack and still fit 16 registers.
constexpr int kChains = 12;

TIER("avx2,fma") float fma_avx2(int64_t rounds) {
  const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  __m256 x[kChains];
  for (int c = 0; c < kChains; ++c) {
    x[c] = _mm256_set1_ps(static_cast<float>(c));
  }
  for (int64_t r = 0; r < rounds; ++r) {
    for (__m256& v : x) {
      v = _mm256_fmadd_ps(v, a, b);
    }
  }
  __m256 total = x[0];
  for (int c = 1; c < kChains; ++c) {
    total = _mm256_add_ps(total, x[c]);
  }
  return _mm256_cvtss_f32(total);
}

TIER("avx512f") float fma_avx512(int64_t rounds) {
  const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
  __m512 x[kChains];
  for (int c = 0; c < kChains; ++c) {
    x[c] = _mm512_set1_ps(static_cast<float>(c));
  }
  for (int64_t r = 0; r < rounds; ++r) {
    for (__m512& v : x) {
      v = _mm512_fmadd_ps(v, a, b);
    }
  }
  __m512 total = x[0];
  for (int c = 1; c < kChains; ++c) {
    total = _mm512_add_ps(total, x[c]);
  }
  return _mm512_cvtss_f32(total);
}
#endif

// Without fused multiply-adds in the tier: a product and a sum, which is what its kernels can do too.
constexpr int kPlainLanes = 48;
float multiply_add(int64_t rounds) {
  float x[kPlainLanes];
  for (int c = 0; c < kPlainLanes; ++c) {
    x[c] = static_cast<float>(c);
  }
  for (int64_t r = 0; r < rounds; ++r) {
    for (float& v : x) {
      v = v * 0.999f + 1e-3f;
    }
  }
  float total = 0;
  for (float v : x) {
    total += v;
  }
  return total;
}

/** Keeps results that nobody reads. */
std::atomic<float> sink;

}  // namespace

uint64_t probe_read(const void* memory, size_t bytes, int32_t threads) {
  auto sum = sum_words;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    sum = sum_avx512;
  } else if (__builtin_cpu_supports("avx2")) {
    sum = sum_avx2;
  }
#endif
  const auto* p = static_cast<const unsigned char*>(memory);
  std::atomic<uint64_t> total{0};
  on_threads(threads, [&](int32_t t) {
    const Part part(bytes, 4096, t, threads);
    total += sum(p + part.begin, part.end - part.begin);
  });
  return total;
}

void probe_copy(void* destination, const void* source, size_t bytes, int32_t threads) {
  auto* to = static_cast<unsigned char*>(destination);
  const auto* from = static_cast<const unsigned char*>(source);
  on_threads(threads, [&](int32_t t) {
    const Part part(bytes, 4096, t, threads);
#if defined(__x86_64__)
    copy_past_caches(to + part.begin, from + part.begin, part.end - part.begin);
#else
    memcpy(to + part.begin, from + part.begin, part.end - part.begin);
#endif
  });
}

double probe_fma(const char* isa, int64_t rounds, int32_t threads) {
  auto body = multiply_add;
  int lanes = kPlainLanes;
#if defined(__x86_64__)
  if (strcmp(isa, "avx512") == 0) {
    body = fma_avx512;
    lanes = kChains * 16;
  } else if (strcmp(isa, "avx2+fma") == 0) {
    body = fma_avx2;
    lanes = kChains * 8;
  }
#else
  (void)isa;
#endif
  on_threads(threads, [&](int32_t) { sink = body(rounds); });
  return 2.0 * lanes * static_cast<double>(rounds) * threads;
}

uint32_t probe_nothing(void) { return 0; }

__attribute__((noinline)) uint64_t probe_call(uint32_t (*function)(void), int64_t times) {
  uint32_t (*volatile opaque)(void) = function;
  uint32_t (*call)(void) = opaque;
  uint64_t sum = 0;
  for (int64_t i = 0; i < times; ++i) {
    sum += call();
  }
  return sum;
}
