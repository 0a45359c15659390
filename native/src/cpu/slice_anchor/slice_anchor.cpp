/* SPDX-License-Identifier: Apache-2.0 */
// K1 on the CPU. The chain is walked in windows of kWindow rows: all pairs of rows that it can ask for are
// summed side by side, so that the window is read once, values coming from memory in step, and so that
// the pool is woken once per window. Threads share the values of a window, never its rows. A window of
// four runs at some 85 % of the read bandwidth; one row at a time against its anchor at 50 to 65 %, since
// the anchor (9.6 MB for a slice of 896 x 896 x 3 floats) comes from far again.

#include <atomic>

#include "common/status.hpp"
#include "common/visit.hpp"
#include "cpu/backend.hpp"
#include "cpu/pool.hpp"
#include "cpu/slice_anchor/patches.hpp"
#include "medpruner/ops.h"

namespace medpruner::cpu {
namespace {

constexpr int64_t kBlockBytes = 512 * 1024;  // of all rows: about 20 us of reading

/** The rows whose sums are still asked for: the anchor, and those from `first` on. 0 is before the window. */
struct Live {
  int anchor;
  int first;
};

/** body(compact, p) for the pairs of the live rows, numbered among those rows and among all. */
template <class Body>
void each_pair(Live live, int last, const Body& body) {
  for (int w = live.first, compact = 0; w <= last; ++w) {
    body(compact++, pair(live.anchor, w));
    for (int v = live.first; v < w; ++v) {
      body(compact++, pair(v, w));
    }
  }
}

struct Workspace {
  UnitSum* sums;    // [units][kPairs]
  uint8_t* ready;   // [units]: whether a block's sums are there; indexed by block
  PatchKey* peaks;  // [rows of the grid][kPairs]: the patch that differs most; indexed by block
};

int64_t unit_values(DType dtype) {
  return dtype == DType::kU8 || dtype == DType::kI16 ? IntegerUnit::kValues : Unit<float>::kValues;
}

Workspace lay_out(const SliceAnchorArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  const int64_t units = (args.cols - 1) / unit_values(args.dtype) + 1;
  Workspace workspace = {};
  int64_t count = 0;
  int64_t peaks = 0;
  if (__builtin_mul_overflow(units, int64_t{kPairs}, &count) ||
      __builtin_mul_overflow(args.with_patches ? args.grid.rows() : 0, int64_t{kPairs}, &peaks)) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "slices: its size overflows 64 bits");
  }
  workspace.sums = layout.take<UnitSum>(count);
  workspace.ready = layout.take<uint8_t>(units);
  workspace.peaks = layout.take<PatchKey>(peaks);
  if (layout.overflow()) {
    fail(MEDPRUNER_ERR_INVALID_ARGUMENT, "slices: its size overflows 64 bits");
  }
  *size = layout.size();
  return workspace;
}

struct Verdict {
  float distance;
  bool keep;
  PatchKey peak;
};

float distance_of(const SliceAnchorArgs& args, double sum, int64_t values) {
  return canonical(static_cast<float>(args.scale * (sum / static_cast<double>(values))));
}

/**
 * One window of the chain: an anchor, `last` rows after it, and the verdicts on them.
 *
 * Deciding alone, a row is kept as soon as the units summed so far say so. That is exact: a unit's sum is
 * >= 0, NaN or infinite; the units are added in the canonical order, and rounded addition, division by
 * S and multiplication by a scale > 0 never decrease when their argument does not. So a distance above
 * gamma stays above it, an infinite one stays infinite or becomes NaN, a NaN one stays NaN: kept in each
 * case. A gap that is reached, and a negative gamma, decide before anything is read.
 *
 * With patches a block is some rows of the grid, in all planes: first the units that begin there, along the
 * rows as memory likes it, then the patches, from the cache (rows of 14 x 896 f32 of five slices are 250 KB).
 * Deciding alone then reads everything too.
 */
template <class T>
class Window {
 public:
  Window(const SliceAnchorArgs& args, const Workspace& workspace, int64_t anchor, int64_t first,
         int last)
      : args_(args), workspace_(workspace), kernels_(pair_kernels(static_cast<const T*>(nullptr))), last_(last) {
    for (int w = 0; w <= last; ++w) {
      index_[w] = w == 0 ? anchor : first + w - 1;
      rows_[w] = static_cast<const T*>(args.slices) + index_[w] * args.row_stride;
    }
    units_ = (args.cols - 1) / Unit<T>::kValues + 1;
    const int64_t rows = args.with_patches ? args.grid.rows() : units_;
    const int64_t row_values = args.with_patches
                                   ? args.grid.planes * args.grid.height_of(0) * args.grid.width
                                   : Unit<T>::kValues;
    const int64_t row_bytes = (last + 1) * row_values * static_cast<int64_t>(sizeof(T));
    per_block_ = kBlockBytes > row_bytes ? kBlockBytes / row_bytes : 1;
    blocks_ = (rows - 1) / per_block_ + 1;
  }

  void judge_all() {
    if (args_.with_patches) {
      parallel_for(blocks_, threads(), [this](int64_t block, int) { sum_patches(block); });
      add_units(0, units_);
      find_peaks();
    } else {
      parallel_for(blocks_, threads(), [this](int64_t block, int) { sum_block(block, live()); });
      add_blocks(blocks_);
    }
    walk(true);
  }

  /** Leaves distances of kept rows unfinished. */
  void decide_all() {
    walk(false);
    if (done()) {
      return;
    }
    if (args_.with_patches) {
      judge_all();
      return;
    }
    memset(workspace_.ready, 0, static_cast<size_t>(blocks_));
    decide_block(0);  // alone: where the slices differ clearly nobody need be woken
    if (!done()) {
      parallel_for(blocks_ - 1, threads(),
                   [this](int64_t block, int) { decide_block(block + 1); });
    }
    if (!done()) {
      add_blocks(blocks_);
      walk(true);
    }
  }

  const Verdict& verdict(int w) const { return verdicts_[w]; }
  int64_t anchor() const { return index_[live().anchor]; }

 private:
  using Total = typename Unit<T>::Total;

  Live live() const {
    const uint32_t packed = live_.load(std::memory_order_relaxed);
    return {static_cast<int>(packed >> 8), static_cast<int>(packed & 255u)};
  }
  bool done() const { return live().first > last_; }

  void sum_block(int64_t block, Live live) {
    sum_units(block * per_block_, least((block + 1) * per_block_, units_), live);
  }

  void sum_units(int64_t unit_begin, int64_t unit_end, Live live) {
    const T* rows[kWindow + 1] = {rows_[live.anchor]};
    int count = 0;
    for (int w = live.first; w <= last_; ++w) {
      rows[++count] = rows_[w];
    }
    for (int64_t unit = unit_begin; unit < unit_end; ++unit) {
      const int64_t begin = unit * Unit<T>::kValues;
      const int64_t n = args_.cols - begin < Unit<T>::kValues ? args_.cols - begin : Unit<T>::kValues;
      UnitSum sums[kPairs];
      sum_unit(kernels_, rows, count, begin, n, sums);
      each_pair(live, last_, [&](int compact, int p) {
        workspace_.sums[unit * kPairs + p] = sums[compact];
      });
    }
  }

  /** Adds the sums of blocks up to `end` in order. */
  void add_blocks(int64_t end) {
    add_units(added_ * per_block_, least(end * per_block_, units_));
    added_ = end;
  }

  void add_units(int64_t unit_begin, int64_t unit_end) {
    const Live at = live();
    for (int64_t unit = unit_begin; unit < unit_end; ++unit) {
      each_pair(at, last_, [&](int, int p) {
        totals_[p] = Unit<T>::add(totals_[p], workspace_.sums[unit * kPairs + p]);
      });
    }
  }

  /** Of all pairs: the units that begin in the rows of the grid of a block, and their patches. */
  void sum_patches(int64_t block) {
    const PatchGrid& grid = args_.grid;
    PatchKey peaks[kPairs] = {};
    for (int64_t r = block * per_block_; r < least((block + 1) * per_block_, grid.rows()); ++r) {
      for (int64_t plane = 0; plane < grid.planes; ++plane) {
        constexpr int64_t kValues = Unit<T>::kValues;
        sum_units((grid.band_begin(plane, r) + kValues - 1) / kValues,
                  (grid.band_end(plane, r) + kValues - 1) / kValues, {0, 1});
      }
      each_patch(grid, kernels_, rows_, last_, r, [&](int64_t c, const Total* totals) {
        const int64_t values = grid.values(r, c);
        for (int p = 0; p < pair_count(last_); ++p) {
          const float distance = distance_of(args_, static_cast<double>(totals[p]), values);
          const PatchKey key = patch_key(distance, r * grid.columns() + c);
          peaks[p] = key > peaks[p] ? key : peaks[p];
        }
      });
    }
    memcpy(workspace_.peaks + block * kPairs, peaks, sizeof peaks);
  }

  void find_peaks() {
    for (int64_t block = 0; block < blocks_; ++block) {
      for (int p = 0; p < pair_count(last_); ++p) {
        const PatchKey key = workspace_.peaks[block * kPairs + p];
        peaks_[p] = key > peaks_[p] ? key : peaks_[p];
      }
    }
  }

  /**
   * Blocks are drawn in ascending order. Whoever has summed one adds those that are there, in order, and
   * walks on, unless another thread is at it; nobody waits. `live` only shrinks, so a block summed under
   * an older one has all the pairs that are still asked for.
   */
  void decide_block(int64_t block) {
    const Live now = live();
    if (now.first > last_) {
      return;
    }
    sum_block(block, now);
    __atomic_store_n(&workspace_.ready[block], uint8_t{1}, __ATOMIC_RELEASE);
    if (adding_.exchange(true, std::memory_order_acquire)) {
      return;
    }
    int64_t end = added_;
    while (end < blocks_ && __atomic_load_n(&workspace_.ready[end], __ATOMIC_ACQUIRE) != 0) {
      ++end;
    }
    add_blocks(end);
    walk(false);
    adding_.store(false, std::memory_order_release);
  }

  /** Judges row after row by the totals, to the end if they are complete, else to the first not kept. */
  void walk(bool complete) {
    Live at = live();
    // Never more than kWindow; said again because GCC 12 for AArch64 takes totals_ for read past its end.
    for (const int last = last_ < kWindow ? last_ : kWindow; at.first <= last; ++at.first) {
      const int p = pair(at.anchor, at.first);
      const float distance = distance_of(args_, static_cast<double>(totals_[p]), args_.cols);
      const bool gap =
          args_.max_gap > 0 && index_[at.first] - index_[at.anchor] >= args_.max_gap;
      const bool keep = non_finite(distance) || distance > args_.gamma || gap ||
                        (args_.with_patches && complete && patch_differs(peaks_[p]));
      if (!keep && !complete) {
        break;
      }
      verdicts_[at.first] = {distance, keep, peaks_[p]};
      at.anchor = keep ? at.first : at.anchor;
    }
    live_.store(static_cast<uint32_t>(at.anchor) << 8 | static_cast<uint32_t>(at.first),
                std::memory_order_relaxed);
  }

  bool patch_differs(PatchKey peak) const {
    const float distance = patch_distance(peak);
    return non_finite(distance) || distance > args_.patch_gamma;
  }

  const SliceAnchorArgs& args_;
  const Workspace& workspace_;
  const PairKernels<T>& kernels_;
  const int last_;
  int64_t index_[kWindow + 1];
  const T* rows_[kWindow + 1];
  int64_t units_, per_block_, blocks_;
  std::atomic<uint32_t> live_{1};  // anchor << 8 | first, in one so that both are of one moment
  std::atomic<bool> adding_{false};
  // Below: of the thread that adds.
  int64_t added_ = 0;  // blocks in totals_
  Total totals_[kPairs] = {};
  PatchKey peaks_[kPairs] = {};
  Verdict verdicts_[kWindow + 1];
};

template <class T>
bool holds_non_finite(const T* values, int64_t n) {
  bool found = false;
  for (int64_t begin = 0; begin < n && !found; begin += 4096) {
    const int64_t end = n - begin < 4096 ? n : begin + 4096;
    for (int64_t i = begin; i < end; ++i) {
      found |= non_finite(to_float(values[i]));
    }
  }
  return found;
}
bool holds_non_finite(const uint8_t*, int64_t) { return false; }
bool holds_non_finite(const int16_t*, int64_t) { return false; }

template <class T>
void anchor_segment(const SliceAnchorArgs& args, const Workspace& workspace, int64_t g) {
  const int64_t begin = args.offsets[g];
  const int64_t end = args.offsets[g + 1];
  int64_t anchor = begin;
  int64_t kept = 0;
  const auto emit = [&](int64_t row, Verdict verdict, uint32_t flags) {
    anchor = verdict.keep ? row : anchor;
    if (verdict.keep) {
      args.kept_indices[begin + kept++] = static_cast<int32_t>(row);
    }
    args.keep[row] = verdict.keep ? 1 : 0;
    args.representative[row] = static_cast<int32_t>(anchor);
    if (!args.decide_only) {
      args.distance[row] = verdict.distance;
      args.flags[row] = flags;
      if (args.with_patches) {
        args.patch_distance[row] = patch_distance(verdict.peak);
        args.patch_index[row] = row == begin ? -1 : patch_index(verdict.peak);
      }
    }
  };
  if (begin < end) {
    emit(begin, {0, true, patch_key(0, 0)}, 0);
  }
  for (int64_t row = begin + 1; row < end;) {
    const int count = static_cast<int>(end - row < kWindow ? end - row : kWindow);
    Window<T> window(args, workspace, anchor, row, count);
    args.decide_only ? window.decide_all() : window.judge_all();
    for (int w = 1; w <= count; ++w, ++row) {
      const Verdict verdict = window.verdict(w);
      const bool special = non_finite(verdict.distance) || non_finite(patch_distance(verdict.peak));
      emit(row, verdict, special ? MEDPRUNER_SEGMENT_NON_FINITE : 0);
    }
  }
  // A first slice that holds a NaN or an infinity makes the distance to it one: mostly there is nothing
  // to look for.
  if (begin < end && !args.decide_only &&
      (end - begin == 1 || non_finite(args.distance[begin + 1])) &&
      holds_non_finite(static_cast<const T*>(args.slices) + begin * args.row_stride, args.cols)) {
    args.flags[begin] = MEDPRUNER_SEGMENT_NON_FINITE;
  }
  for (int64_t i = begin + kept; i < end; ++i) {
    args.kept_indices[i] = -1;
  }
  args.kept_counts[g] = static_cast<int32_t>(kept);
}

template <class T>
void run(const SliceAnchorArgs& args) {
  size_t size = 0;
  const Workspace workspace = lay_out(args, args.workspace, &size);
  for (int64_t g = 0; g < args.segments; ++g) {
    anchor_segment<T>(args, workspace, g);
  }
}

}  // namespace

size_t slice_anchor_workspace(const SliceAnchorArgs& args) {
  size_t size = 0;
  lay_out(args, nullptr, &size);
  return size;
}

void slice_anchor(const SliceAnchorArgs& args) {
  visit_slice(args.dtype, [&](auto stored) { run<decltype(stored)>(args); });
}

}  // namespace medpruner::cpu
