/* SPDX-License-Identifier: Apache-2.0 */
// The sums over all pairs of N + 1 rows, included once per instruction-set tier, inside a namespace and
// under that tier's target options. MEDPRUNER_PAIR_BYTES is the width of its registers and
// MEDPRUNER_PAIR_GROUPS how many of them per pair are summed at once, so that the pairs' accumulators
// stay in registers: each value is loaded once, and the rows advance together, one stream each.
// Integers are exact in any order; floats keep the 32 lanes of slice_anchor.h, one addition per lane and
// step, so neither number shows in a result. The sums of columns, of which patches are made, go down the rows
// instead of along them: the same loop with another step.

typedef float FloatVec __attribute__((vector_size(MEDPRUNER_PAIR_BYTES)));
typedef uint32_t BitsVec __attribute__((vector_size(MEDPRUNER_PAIR_BYTES)));
typedef int32_t IntVec __attribute__((vector_size(MEDPRUNER_PAIR_BYTES)));
typedef int16_t ShortVec __attribute__((vector_size(MEDPRUNER_PAIR_BYTES)));
typedef uint16_t UShortVec __attribute__((vector_size(MEDPRUNER_PAIR_BYTES)));
typedef uint16_t HalvesVec __attribute__((vector_size(MEDPRUNER_PAIR_BYTES / 2)));
constexpr int kPerVec = MEDPRUNER_PAIR_BYTES / 4;
constexpr int kVecs = kLanes / kPerVec;
constexpr int kGroups = MEDPRUNER_PAIR_GROUPS;

template <class Vec>
MEDPRUNER_BODY Vec load_as(const void* from) {
  Vec value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

MEDPRUNER_BODY FloatVec load_row(const float* from) { return load_as<FloatVec>(from); }

MEDPRUNER_BODY FloatVec load_row(const BFloat* from) {
#if MEDPRUNER_PAIR_BYTES == 64  // the compiler widens by halves and joins them
  return (FloatVec)((BitsVec)_mm512_maskz_cvtepu16_epi32(0xffff, load_as<__m256i>(from)) << 16);
#elif MEDPRUNER_PAIR_BYTES == 32
  return (FloatVec)((BitsVec)_mm256_cvtepu16_epi32(load_as<__m128i>(from)) << 16);
#else
  return (FloatVec)(__builtin_convertvector(load_as<HalvesVec>(from), BitsVec) << 16);
#endif
}

// As to_float(). F16C makes a signalling NaN quiet, which does not show: a NaN ends up canonical.
MEDPRUNER_BODY FloatVec load_row(const Half* from) {
#if MEDPRUNER_PAIR_BYTES == 64
  return (FloatVec)_mm512_maskz_cvtph_ps(0xffff, load_as<__m256i>(from));
#elif MEDPRUNER_PAIR_BYTES == 32
  return (FloatVec)_mm256_cvtph_ps(load_as<__m128i>(from));
#else
  const BitsVec bits = __builtin_convertvector(load_as<HalvesVec>(from), BitsVec);
  const IntVec rest = (IntVec)(bits & 0x7fffu);
  const BitsVec small = (BitsVec)(__builtin_convertvector(rest, FloatVec) * 0x1p-24f);
  const BitsVec normal = (BitsVec)((rest << 13) + (112 << 23));
  const BitsVec special = (BitsVec)((rest << 13) | 0x7f800000);
  const BitsVec magnitude = rest < 0x0400 ? small : (rest < 0x7c00 ? normal : special);
  return (FloatVec)((bits & 0x8000u) << 16 | magnitude);
#endif
}

MEDPRUNER_BODY FloatVec difference(FloatVec a, FloatVec b) {
  return (FloatVec)((BitsVec)(a - b) & 0x7fffffffu);
}

/** sums[pair] += |a - b| lane by lane over the n values of each two of the rows; n is a multiple of 32. */
template <class T, int N>
static void add_floats(const T* const* rows, int64_t n, LaneSums* sums) {
  // Groups go one after the other over a strip that stays in L1, and fetch the next one meanwhile. Where
  // one group is all there is, 512 bytes ahead is worth another 5 % of the read bandwidth.
  constexpr int64_t kStrip = kGroups == kVecs ? INT64_MAX : 512;
  constexpr int64_t kAhead = kGroups == kVecs ? 512 / static_cast<int64_t>(sizeof(T)) : kStrip;
  for (int64_t begin = 0; begin < n;) {
    const int64_t end = n - begin <= kStrip ? n : begin + kStrip;
    for (int group = 0; group < kVecs; group += kGroups) {
      FloatVec lanes[pair_count(N)][kGroups];
      for (int p = 0; p < pair_count(N); ++p) {
        __builtin_memcpy(lanes[p], sums[p].lane + group * kPerVec, sizeof lanes[p]);
      }
      for (int64_t i = begin + group * kPerVec; i < end; i += kLanes) {
#pragma GCC unroll 8
        for (int g = 0; g < kGroups; ++g) {
          FloatVec value[N + 1];
#pragma GCC unroll 8
          for (int w = 0; w <= N; ++w) {
            value[w] = load_row(rows[w] + i + g * kPerVec);
            __builtin_prefetch(rows[w] + i + g * kPerVec + kAhead);
          }
#pragma GCC unroll 8
          for (int w = 1; w <= N; ++w) {
#pragma GCC unroll 8
            for (int v = 0; v < w; ++v) {
              lanes[pair(v, w)][g] += difference(value[v], value[w]);
            }
          }
        }
      }
      for (int p = 0; p < pair_count(N); ++p) {
        __builtin_memcpy(sums[p].lane + group * kPerVec, lanes[p], sizeof lanes[p]);
      }
    }
    begin = end;
  }
}

#if MEDPRUNER_PAIR_BYTES == 64
MEDPRUNER_BODY __m512i load_row(const uint8_t* from) { return load_as<__m512i>(from); }
MEDPRUNER_BODY BitsVec difference(__m512i a, __m512i b) { return (BitsVec)_mm512_sad_epu8(a, b); }
#elif MEDPRUNER_PAIR_BYTES == 32
MEDPRUNER_BODY __m256i load_row(const uint8_t* from) { return load_as<__m256i>(from); }
MEDPRUNER_BODY BitsVec difference(__m256i a, __m256i b) { return (BitsVec)_mm256_sad_epu8(a, b); }
#elif defined(__SSE2__)
MEDPRUNER_BODY __m128i load_row(const uint8_t* from) { return load_as<__m128i>(from); }
MEDPRUNER_BODY BitsVec difference(__m128i a, __m128i b) { return (BitsVec)_mm_sad_epu8(a, b); }
#else
typedef uint8_t ByteVec __attribute__((vector_size(MEDPRUNER_PAIR_BYTES)));
MEDPRUNER_BODY ByteVec load_row(const uint8_t* from) { return load_as<ByteVec>(from); }
MEDPRUNER_BODY BitsVec difference(ByteVec a, ByteVec b) {
  const BitsVec d = (BitsVec)((a > b ? a : b) - (a > b ? b : a));
  return (d & 255u) + (d >> 8 & 255u) + (d >> 16 & 255u) + (d >> 24);
}
#endif

MEDPRUNER_BODY ShortVec load_row(const int16_t* from) { return load_as<ShortVec>(from); }

/** max - min is at most 65535 and right in 16 unsigned bits. */
MEDPRUNER_BODY BitsVec difference(ShortVec a, ShortVec b) {
  const BitsVec d = (BitsVec)((UShortVec)(a > b ? a : b) - (UShortVec)(a > b ? b : a));
  return (d & 0xffffu) + (d >> 16);
}

/** sums[pair] = sum of |a - b| over n <= 32768 values, so that it fits 32 bits. */
template <class T, int N>
static void sum_integers(const T* const* rows, int64_t n, uint32_t* sums) {
  constexpr int64_t kPer = MEDPRUNER_PAIR_BYTES / static_cast<int64_t>(sizeof(T));
  BitsVec parts[pair_count(N)] = {};
  int64_t i = 0;
  for (; i + kPer <= n; i += kPer) {
    decltype(load_row(rows[0])) value[N + 1];
#pragma GCC unroll 8
    for (int w = 0; w <= N; ++w) {
      value[w] = load_row(rows[w] + i);
    }
#pragma GCC unroll 8
    for (int w = 1; w <= N; ++w) {
#pragma GCC unroll 8
      for (int v = 0; v < w; ++v) {
        parts[pair(v, w)] += difference(value[v], value[w]);
      }
    }
  }
  for (int w = 1; w <= N; ++w) {
    for (int v = 0; v < w; ++v) {
      uint32_t sum = 0;
      for (int l = 0; l < kPerVec; ++l) {
        sum += parts[pair(v, w)][l];
      }
      for (int64_t rest = i; rest < n; ++rest) {
        const int d = static_cast<int>(rows[v][rest]) - static_cast<int>(rows[w][rest]);
        sum += static_cast<uint32_t>(d < 0 ? -d : d);
      }
      sums[pair(v, w)] = sum;
    }
  }
}

// ---- columns of patches ------------------------------------------------------------------------

#if MEDPRUNER_PAIR_BYTES == 64
MEDPRUNER_BODY UShortVec load_column(const uint8_t* from) {
  return (UShortVec)_mm512_cvtepu8_epi16(load_as<__m256i>(from));
}
#elif MEDPRUNER_PAIR_BYTES == 32
MEDPRUNER_BODY UShortVec load_column(const uint8_t* from) {
  return (UShortVec)_mm256_cvtepu8_epi16(load_as<__m128i>(from));
}
#else
MEDPRUNER_BODY UShortVec load_column(const uint8_t* from) {
  typedef uint8_t Bytes __attribute__((vector_size(MEDPRUNER_PAIR_BYTES / 2)));
  return __builtin_convertvector(load_as<Bytes>(from), UShortVec);
}
#endif
MEDPRUNER_BODY IntVec load_column(const int16_t* from) {
  typedef int16_t Shorts __attribute__((vector_size(MEDPRUNER_PAIR_BYTES / 2)));
  return __builtin_convertvector(load_as<Shorts>(from), IntVec);
}
template <class T>
MEDPRUNER_BODY FloatVec load_column(const T* from) {
  return load_row(from);
}

MEDPRUNER_BODY UShortVec column_difference(UShortVec a, UShortVec b) {
  const ShortVec d = (ShortVec)(a - b);  // of bytes, so the sign is right
#if MEDPRUNER_PAIR_BYTES == 64
  return (UShortVec)_mm512_abs_epi16((__m512i)d);
#elif MEDPRUNER_PAIR_BYTES == 32
  return (UShortVec)_mm256_abs_epi16((__m256i)d);
#else
  return (UShortVec)(d > -d ? d : -d);
#endif
}
MEDPRUNER_BODY BitsVec column_difference(IntVec a, IntVec b) {
  return (BitsVec)(a > b ? a - b : b - a);
}
MEDPRUNER_BODY FloatVec column_difference(FloatVec a, FloatVec b) { return difference(a, b); }

template <class T>
constexpr int kColumns = MEDPRUNER_PAIR_BYTES / static_cast<int>(sizeof(typename ColumnSums<T>::Sum));

/**
 * sums[pair][i] = sum of |a - b| over the rows of the band, plane after plane and from the top, of column i < n
 * of each two of N + 1 slices. n >= kColumns<T>; a vector that would go past column n begins earlier and computes
 * some columns twice. At most ColumnSums<T>::kMostRows rows.
 */
template <class T, int N>
static void add_columns(const T* const* slices, Band band, int64_t n, ColumnSums<T>* sums) {
  using Vec = decltype(column_difference(load_column(slices[0]), load_column(slices[0])));
  for (int64_t next = 0; next < n; next += kColumns<T>) {
    const int64_t i = next + kColumns<T> <= n ? next : n - kColumns<T>;
    Vec columns[pair_count(N)] = {};
    for (int64_t plane = 0; plane < band.planes; ++plane) {
      for (int64_t row = 0; row < band.height; ++row) {
        const int64_t at = plane * band.plane_pitch + row * band.pitch + i;
        decltype(load_column(slices[0])) value[N + 1];
#pragma GCC unroll 8
        for (int w = 0; w <= N; ++w) {
          value[w] = load_column(slices[w] + at);
        }
#pragma GCC unroll 8
        for (int w = 1; w <= N; ++w) {
#pragma GCC unroll 8
          for (int v = 0; v < w; ++v) {
            columns[pair(v, w)] += column_difference(value[v], value[w]);
          }
        }
      }
    }
    for (int p = 0; p < pair_count(N); ++p) {
      __builtin_memcpy(sums[p].column + i, &columns[p], sizeof columns[p]);
    }
  }
}

template <class T>
constexpr PairKernels<T> kFloats = {
    {add_floats<T, 1>, add_floats<T, 2>, add_floats<T, 3>, add_floats<T, 4>},
    {add_columns<T, 1>, add_columns<T, 2>, add_columns<T, 3>, add_columns<T, 4>},
    kColumns<T>};
template <class T>
constexpr PairKernels<T> kIntegers = {
    {sum_integers<T, 1>, sum_integers<T, 2>, sum_integers<T, 3>, sum_integers<T, 4>},
    {add_columns<T, 1>, add_columns<T, 2>, add_columns<T, 3>, add_columns<T, 4>},
    kColumns<T>};
