/* SPDX-License-Identifier: Apache-2.0 */
// K2 on the CPU. A unit of work is a run of query rows of one head of one segment. Where the keys fit
// kChunkKeys, each block of kBlockRows queries meets all of them in one pass: tile by tile dot products,
// then exponentials against a bias that follows the row's maximum, kept until the row sums are known,
// then the column sums. Longer segments would need a longer buffer and take two passes, one for the row
// sums and one for the columns; a caller's lse is the first. Column sums are f32 within a block and f64
// across blocks: an f32 chain over 4096 queries would be off by some 1e-6, as much as the tolerance of
// the goldens.

#include "cpu/attention_mass/kernels.hpp"

#include "common/pooling.hpp"
#include "common/status.hpp"
#include "common/visit.hpp"
#include "cpu/backend.hpp"
#include "cpu/pool.hpp"
#include "medpruner/ops.h"

namespace medpruner::cpu {
namespace {

using namespace mass;

constexpr double kLog2E = 1.4426950408889634;

// Where the rows of a head are cut, which is part of the result, depends on T and H alone. 64 units
// occupy machines of many cores; below 256 rows packing the keys again for each unit would show.
constexpr int64_t kUnits = 64;
constexpr int64_t kUnitRows = 256;
constexpr int64_t kChunkKeys = 8192;
constexpr int64_t kSpanRows = 22 * kBlockRows;  // rows that share a chunk's packed keys, in two passes

constexpr int64_t kKeyUnits = 8;  // tasks that pool the keys of a segment
constexpr int64_t kTasksPerWorker = 8;  // fewer, and the last ones to run leave threads idle
constexpr double kWorkerFmas = 2e6;  // a thread is not woken for less, some 20 us

constexpr int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

int64_t most_units(int64_t length, int64_t heads) {
  const int64_t wanted = ceil_div(kUnits, heads);
  const int64_t possible = length / kUnitRows;
  return possible < 1 ? 1 : (possible < wanted ? possible : wanted);
}

int64_t unit_rows(int64_t length, int64_t heads) {
  const int64_t rows = ceil_div(length, most_units(length, heads));
  return rows < 1 ? kBlockRows : ceil_div(rows, kBlockRows) * kBlockRows;
}

/** A worker's own. */
struct Scratch {
  float* panels;    // keys, packed
  float* rows;      // a block of queries, packed
  float* tiles;     // dot products or exponentials, [tile][kBlockRows][kTileKeys]
  float* biases;    // [tile][kBlockRows]: those the tile's exponentials are relative to
  double* columns;  // [keys]
  float* span_biases;  // [kSpanRows]
  float* span_weights;
  double* span_sums;
};

struct Areas {
  float* columns;  // [unit][head][row]: column sums of each unit
  char* scratch;
  size_t scratch_size;
  size_t size = 0;  // with `workers` scratches
  bool overflow;

  Areas(const AttentionMassArgs& args, void* base, int workers) {
    // The workspace is aligned to 16 bytes; a vector that straddles lines costs two accesses.
    constexpr size_t kAlign = 64;
    const uintptr_t at = reinterpret_cast<uintptr_t>(base);
    void* aligned = base == nullptr ? nullptr
                                    : static_cast<char*>(base) + (kAlign - at % kAlign) % kAlign;
    WorkspaceLayout layout(aligned);
    int64_t columns_count = 0;
    overflow = __builtin_mul_overflow(most_units(args.rows, args.heads) * args.heads, args.rows,
                                      &columns_count);
    columns = layout.take<float>(overflow ? 0 : columns_count);
    overflow = overflow || layout.overflow();
    scratch = static_cast<char*>(aligned) + layout.size();
    scratch_size = 0;
    lay(args, nullptr, &scratch_size);
    size_t all = 0;
    overflow = overflow ||
               __builtin_mul_overflow(scratch_size, static_cast<size_t>(workers), &all) ||
               __builtin_add_overflow(all, layout.size(), &size) ||
               __builtin_add_overflow(size, kAlign - 16, &size);
  }

  Scratch worker(const AttentionMassArgs& args, int index) const {
    return lay(args, scratch + static_cast<size_t>(index) * scratch_size, nullptr);
  }

 private:
  static Scratch lay(const AttentionMassArgs& args, void* base, size_t* size) {
    WorkspaceLayout layout(base);
    const int64_t most = args.rows < kChunkKeys ? args.rows : kChunkKeys;
    const int64_t tiles = most < 1 ? 1 : ceil_div(most, kTileKeys);
    Scratch s;
    s.panels = layout.take<float>(tiles * kTileKeys * args.dim);
    s.rows = layout.take<float>(kBlockRows * args.dim);
    s.tiles = layout.take<float>(tiles * kBlockRows * kTileKeys);
    s.biases = layout.take<float>(tiles * kBlockRows);
    s.columns = layout.take<double>(tiles * kTileKeys);
    // Not of unit_rows(): a shorter segment can have the longer units.
    const int64_t span = args.rows < kSpanRows ? args.rows / kBlockRows * kBlockRows + kBlockRows
                                               : kSpanRows;
    s.span_biases = layout.take<float>(span);
    s.span_weights = layout.take<float>(span);
    s.span_sums = layout.take<double>(span);
    if (size != nullptr) {
      *size = layout.size();
    }
    return s;
  }
};

/** The columns of one head of a segment, for a run of its query rows. */
template <class T>
class HeadColumns {
 public:
  HeadColumns(const AttentionMassArgs& args, const Scratch& scratch, int64_t segment, int64_t head)
      : args_(args),
        kernels_(kernels<T>()),
        scratch_(scratch),
        factor_(static_cast<float>(args.scale * kLog2E)),
        first_(args.offsets[segment]),
        length_(args.offsets[segment + 1] - first_),
        query_(static_cast<const T*>(args.query) + first_ * args.query_row_stride +
               head * args.query_head_stride),
        key_(static_cast<const T*>(args.key) + first_ * args.key_row_stride +
             head * args.key_head_stride),
        lse_(args.lse == nullptr ? nullptr : args.lse + head * args.rows + first_) {
    const int64_t last = length_ % kTileKeys == 0 ? kTileKeys : length_ % kTileKeys;
    for (int k = 0; k < kTileKeys; ++k) {
      pad_[k] = k < last ? 0 : -INFINITY;
    }
  }

  /** columns[key] of the queries [begin, end); false when a NaN, an infinity or an overflow was met. */
  bool add_up(int64_t begin, int64_t end, float* columns) {
    return lse_ == nullptr && length_ <= kChunkKeys ? one_pass(begin, end, columns)
                                                    : two_passes(begin, end, columns);
  }

 private:
  static float largest(uint32_t magnitude) { return bits_to_float(magnitude); }

  bool pack_keys(int64_t begin, int64_t count) {
    if (packed_ != begin) {  // else by an earlier unit, where one chunk is all there is
      packed_ = begin;
      key_bound_ = largest(kernels_.pack_keys(key_ + begin * args_.key_row_stride,
                                              args_.key_row_stride, count, args_.dim,
                                              scratch_.panels));
    }
    return !non_finite(key_bound_);
  }

  bool pack_rows(int64_t begin, int count) {
    const float bound = largest(kernels_.pack_rows(query_ + begin * args_.query_row_stride,
                                                   args_.query_row_stride, count, args_.dim,
                                                   scratch_.rows));
    // Logits this bound allows cannot overflow; only others are looked at one by one.
    watch_ = static_cast<double>(bound) * static_cast<double>(key_bound_) *
                 static_cast<double>(args_.dim) * (factor_ > 1 ? static_cast<double>(factor_) : 1) >=
             1e38;
    return !non_finite(bound);
  }

  /** Keys of tile t of a chunk. */
  static int tile_keys(int64_t count, int64_t t) {
    const int64_t rest = count - t * kTileKeys;
    return static_cast<int>(rest < kTileKeys ? rest : kTileKeys);
  }

  /** Dot products of the packed rows with tile t of the packed keys. */
  bool dots(int rows, int keys, int64_t t, float* tile) {
    kernels_.dot_tile(scratch_.rows, scratch_.panels + t * kTileKeys * args_.dim, rows, keys,
                      args_.dim, tile);
    bool bad = false;
    for (int r = 0; watch_ && r < rows; ++r) {
      for (int k = 0; k < keys; ++k) {
        const float dot = tile[r * kTileKeys + k];
        bad |= non_finite(dot) || non_finite(dot * factor_);
      }
    }
    return !bad;
  }

  static double row_sum(const float* lanes) {
    double sum = 0;
    for (int l = 0; l < kSumLanes; ++l) {
      sum += static_cast<double>(lanes[l]);
    }
    return sum;
  }

  static int block_rows(int64_t at, int64_t end) {
    return static_cast<int>(end - at < kBlockRows ? end - at : kBlockRows);
  }

  bool one_pass(int64_t begin, int64_t end, float* columns) {
    if (!pack_keys(0, length_)) {
      return false;
    }
    const int64_t tiles = ceil_div(length_, kTileKeys);
    memset(scratch_.columns, 0, static_cast<size_t>(tiles * kTileKeys) * sizeof(double));
    for (int64_t at = begin; at < end; at += kBlockRows) {
      const int rows = block_rows(at, end);
      if (!pack_rows(at, rows)) {
        return false;
      }
      alignas(64) float biases[kBlockRows];
      alignas(64) float weights[kBlockRows];
      alignas(64) float inverses[kBlockRows] = {};
      alignas(64) float sums[kBlockRows * kSumLanes] = {};
      for (float& bias : biases) {
        bias = kNoBias;
      }
      for (int64_t t = 0; t < tiles; ++t) {
        float* tile = scratch_.tiles + t * kBlockRows * kTileKeys;
        const int keys = tile_keys(length_, t);
        if (!dots(rows, keys, t, tile)) {
          return false;
        }
        kernels_.exp_tile(tile, rows, keys, factor_, pad_, biases, sums);
        memcpy(scratch_.biases + t * kBlockRows, biases, sizeof biases);
      }
      for (int r = 0; r < rows; ++r) {
        inverses[r] = static_cast<float>(1.0 / row_sum(sums + r * kSumLanes));
      }
      for (int64_t t = 0; t < tiles; ++t) {
        kernels_.row_weights(scratch_.biases + t * kBlockRows, biases, inverses, weights);
        kernels_.add_columns(scratch_.tiles + t * kBlockRows * kTileKeys, rows, weights,
                             scratch_.columns + t * kTileKeys);
      }
    }
    for (int64_t k = 0; k < length_; ++k) {
      columns[k] = static_cast<float>(scratch_.columns[k]);
    }
    return true;
  }

  bool two_passes(int64_t begin, int64_t end, float* columns) {
    for (int64_t at = begin; at < end; at += kSpanRows) {
      const int64_t span_end = end - at < kSpanRows ? end : at + kSpanRows;
      if (!(lse_ != nullptr ? take_lse(at, span_end) : span_sums(at, span_end))) {
        return false;
      }
      for (int64_t from = 0; from < length_; from += kChunkKeys) {
        if (!span_columns(at, span_end, from)) {
          return false;
        }
        const int64_t count = length_ - from < kChunkKeys ? length_ - from : kChunkKeys;
        for (int64_t k = 0; k < count; ++k) {
          const float sum = static_cast<float>(scratch_.columns[k]);
          columns[from + k] = at == begin ? sum : columns[from + k] + sum;
        }
      }
    }
    return true;
  }

  bool take_lse(int64_t begin, int64_t end) {
    bool finite = true;
    for (int64_t i = begin; i < end; ++i) {
      finite &= !non_finite(lse_[i]);
      scratch_.span_biases[i - begin] =
          static_cast<float>(static_cast<double>(lse_[i]) * kLog2E);
      scratch_.span_weights[i - begin] = 1;
    }
    return finite;
  }

  /** Biases and 1 / sum of exponentials of a span of rows. */
  bool span_sums(int64_t begin, int64_t end) {
    alignas(64) float ones[kBlockRows];
    for (float& one : ones) {
      one = 1;
    }
    for (int64_t i = 0; i < end - begin; ++i) {
      scratch_.span_biases[i] = kNoBias;
      scratch_.span_sums[i] = 0;
    }
    for (int64_t from = 0; from < length_; from += kChunkKeys) {
      const int64_t count = length_ - from < kChunkKeys ? length_ - from : kChunkKeys;
      if (!pack_keys(from, count)) {
        return false;
      }
      for (int64_t at = begin; at < end; at += kBlockRows) {
        const int rows = block_rows(at, end);
        if (!pack_rows(at, rows)) {
          return false;
        }
        float* biases = scratch_.span_biases + (at - begin);
        double* totals = scratch_.span_sums + (at - begin);
        alignas(64) float before[kBlockRows];
        alignas(64) float rescale[kBlockRows];
        alignas(64) float sums[kBlockRows * kSumLanes] = {};
        memcpy(before, biases, sizeof before);
        for (int64_t t = 0; t < ceil_div(count, kTileKeys); ++t) {
          const int keys = tile_keys(count, t);
          if (!dots(rows, keys, t, scratch_.tiles)) {
            return false;
          }
          kernels_.exp_tile(scratch_.tiles, rows, keys, factor_, pad_, biases, sums);
        }
        kernels_.row_weights(before, biases, ones, rescale);
        for (int r = 0; r < rows; ++r) {
          totals[r] = totals[r] * static_cast<double>(rescale[r]) + row_sum(sums + r * kSumLanes);
        }
      }
    }
    for (int64_t i = 0; i < end - begin; ++i) {
      scratch_.span_weights[i] = static_cast<float>(1.0 / scratch_.span_sums[i]);
    }
    return true;
  }

  /** scratch_.columns of a chunk of keys from a span's biases and weights. */
  bool span_columns(int64_t begin, int64_t end, int64_t from) {
    const int64_t count = length_ - from < kChunkKeys ? length_ - from : kChunkKeys;
    const int64_t tiles = ceil_div(count, kTileKeys);
    memset(scratch_.columns, 0, static_cast<size_t>(tiles * kTileKeys) * sizeof(double));
    if (!pack_keys(from, count)) {
      return false;
    }
    for (int64_t at = begin; at < end; at += kBlockRows) {
      const int rows = block_rows(at, end);
      if (!pack_rows(at, rows)) {
        return false;
      }
      for (int64_t t = 0; t < tiles; ++t) {
        if (!dots(rows, tile_keys(count, t), t, scratch_.tiles)) {
          return false;
        }
        kernels_.exp_columns(scratch_.tiles, rows, factor_, scratch_.span_biases + (at - begin),
                             scratch_.span_weights + (at - begin),
                             scratch_.columns + t * kTileKeys);
      }
    }
    return true;
  }

  const AttentionMassArgs& args_;
  const Kernels<T>& kernels_;
  const Scratch scratch_;
  const float factor_;
  const int64_t first_;
  const int64_t length_;
  const T* const query_;  // first row of the segment
  const T* const key_;
  const float* const lse_;
  alignas(64) float pad_[kTileKeys];
  int64_t packed_ = -1;  // first key of the packed chunk
  float key_bound_ = 0;
  bool watch_ = false;
};

template <class T>
class Runner {
 public:
  explicit Runner(const AttentionMassArgs& args)
      : args_(args), areas_(args, args.workspace, 1), units_(most_units(args.rows, args.heads)) {}

  void run() {
    double fmas = 0;
    for (int64_t g = 0; g < args_.segments; ++g) {
      args_.flags[g] = 0;
      const double patches = static_cast<double>(length(g));
      fmas += patches * patches;
    }
    if (args_.rows == 0) {
      return;  // however many heads there are
    }
    fmas *= static_cast<double>(args_.heads) * static_cast<double>(args_.dim);
    const int workers = usable_workers(fmas);
    const int64_t heads = args_.segments * args_.heads;
    // Units of a head in one task share its packed keys; tasks as small as that serve more threads.
    const int64_t each = heads >= kTasksPerWorker * workers ? units_ : 1;
    const int64_t per_head = units_ / each;
    parallel_for(heads * per_head, workers, [&](int64_t task, int worker) {
      const int64_t head = task / per_head;
      units(head / args_.heads, head % args_.heads, task % per_head * each, each, worker);
    });
    // As large a share of the work as it is where T = 64: reading the keys once more.
    const double values = static_cast<double>(args_.rows) * static_cast<double>(args_.heads) *
                          static_cast<double>(args_.dim);
    const int64_t tasks = args_.pooled_keys == nullptr ? 1 : 1 + kKeyUnits;
    parallel_for(args_.segments * tasks, usable_workers(values * 16), [&](int64_t task, int) {
      const int64_t g = task / tasks;
      if (task % tasks == 0) {
        pool(g);
      } else {
        pool_keys(g, task % tasks - 1);
      }
    });
  }

 private:
  int64_t length(int64_t g) const { return args_.offsets[g + 1] - args_.offsets[g]; }

  /** Those worth waking for so much work that the workspace has room for. */
  int usable_workers(double fmas) const {
    int workers = 1;
    for (size_t room = areas_.size; workers < threads() && workers < fmas / kWorkerFmas &&
                                    args_.workspace_bytes - room >= areas_.scratch_size;
         room += areas_.scratch_size) {
      ++workers;
    }
    return workers;
  }

  bool flagged(int64_t g) const { return __atomic_load_n(&args_.flags[g], __ATOMIC_RELAXED) != 0; }

  float* columns(int64_t unit, int64_t head, int64_t g) const {
    return areas_.columns + (unit * args_.heads + head) * args_.rows + args_.offsets[g];
  }

  void units(int64_t g, int64_t head, int64_t first, int64_t count, int worker) {
    const int64_t rows = unit_rows(length(g), args_.heads);
    if (first * rows >= length(g)) {
      return;
    }
    HeadColumns<T> work(args_, areas_.worker(args_, worker), g, head);
    for (int64_t u = first; u < first + count && u * rows < length(g) && !flagged(g); ++u) {
      const int64_t end = length(g) - u * rows < rows ? length(g) : (u + 1) * rows;
      if (!work.add_up(u * rows, end, columns(u, head, g))) {
        __atomic_store_n(&args_.flags[g], MEDPRUNER_SEGMENT_NON_FINITE, __ATOMIC_RELAXED);
      }
    }
  }

  /** The units' columns, pooled: units in order, then heads, then the patches of a token. */
  void pool(int64_t g) {
    const int64_t first = args_.offsets[g];
    const int64_t tokens = length(g) / args_.pool;
    float* mass = args_.mass + first / args_.pool;
    const int64_t units = ceil_div(length(g), unit_rows(length(g), args_.heads));
    const double divisor = static_cast<double>(args_.pool) * static_cast<double>(args_.heads);
    bool bad = flagged(g);
    for (int64_t j = 0; j < tokens && !bad; ++j) {
      double sum = 0;
      for (int64_t m = 0; m < args_.pool; ++m) {
        const int64_t patch = pooled_patch(args_, j, m);
        for (int64_t h = 0; h < args_.heads; ++h) {
          for (int64_t u = 0; u < units; ++u) {
            sum += static_cast<double>(columns(u, h, g)[patch]);
          }
        }
      }
      mass[j] = static_cast<float>(sum / divisor);
      // Not of the mean alone, as each head's sum is f32 on CUDA. Sums so large take a wrong lse.
      bad |= non_finite(mass[j]) || (!(sum <= FLT_MAX) && !head_sums_fit(g, j, units));
    }
    if (bad) {
      args_.flags[g] = MEDPRUNER_SEGMENT_NON_FINITE;
      for (int64_t j = 0; j < tokens; ++j) {
        mass[j] = bits_to_float(kNanF32);
      }
    }
  }

  /** Whether the sums of token j's keys over the queries of each head are finite in f32. */
  bool head_sums_fit(int64_t g, int64_t j, int64_t units) const {
    bool fit = true;
    for (int64_t m = 0; m < args_.pool; ++m) {
      const int64_t patch = pooled_patch(args_, j, m);
      for (int64_t h = 0; h < args_.heads; ++h) {
        double sum = 0;
        for (int64_t u = 0; u < units; ++u) {
          sum += static_cast<double>(columns(u, h, g)[patch]);
        }
        fit &= !non_finite(static_cast<float>(sum));
      }
    }
    return fit;
  }

  void pool_keys(int64_t g, int64_t share) {
    const int64_t first = args_.offsets[g];
    const int64_t tokens = length(g) / args_.pool;
    const T* keys = static_cast<const T*>(args_.key) + first * args_.key_row_stride;
    float* pooled = args_.pooled_keys + first / args_.pool * args_.dim;
    const double divisor = static_cast<double>(args_.pool) * static_cast<double>(args_.heads);
    const int64_t each = ceil_div(tokens, kKeyUnits);
    for (int64_t j = share * each; j < tokens && j < (share + 1) * each; ++j) {
      double sums[kMaxDim] = {};
      for (int64_t m = 0; m < args_.pool; ++m) {
        kernels_.sum_heads(keys + pooled_patch(args_, j, m) * args_.key_row_stride,
                           args_.key_head_stride, args_.heads, args_.dim, sums);
      }
      for (int64_t c = 0; c < args_.dim; ++c) {
        pooled[j * args_.dim + c] = static_cast<float>(sums[c] / divisor);
      }
    }
  }

  const AttentionMassArgs& args_;
  const Areas areas_;
  const int64_t units_;
  const Kernels<T>& kernels_ = kernels<T>();
};

}  // namespace

size_t attention_mass_workspace(const AttentionMassArgs& args, int workers) {
  const Areas areas(args, nullptr, workers);
  if (areas.overflow) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "query: its size overflows 64 bits");
  }
  return areas.size;
}

void attention_mass(const AttentionMassArgs& args) {
  visit_float(args.dtype, [&](auto stored) { Runner<decltype(stored)>(args).run(); });
}

}  // namespace medpruner::cpu
