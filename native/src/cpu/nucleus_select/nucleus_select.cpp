/* SPDX-License-Identifier: Apache-2.0 */
// K3 on the CPU: the segments on the pool's threads, then, if volumes are bounded, one volume after the
// other on the caller's.

#include <algorithm>

#include "common/exp2poly.hpp"
#include "cpu/backend.hpp"
#include "cpu/nucleus_select/segment.hpp"
#include "cpu/pool.hpp"

namespace medpruner::cpu {
namespace {

/** Rows of a task: some 20 us with AVX-512. */
constexpr int64_t kTaskRows = 16384;

SegmentScratch lay_out(const NucleusSelectArgs& args, void* base, size_t* size) {
  WorkspaceLayout layout(base);
  SegmentScratch scratch;
  scratch.weights = layout.take<uint32_t>(args.rows);
  scratch.candidates = layout.take<float>(args.rows);
  *size = layout.size();
  return scratch;
}

/** Floor and cap of one volume, the segments [first, last). */
class Volume {
 public:
  Volume(const NucleusSelectArgs& args, int64_t first, int64_t last)
      : args_(args), first_(first), last_(last) {}

  /** Returns whether the mask has changed. */
  bool bound() {
    int64_t tokens = 0;
    int64_t selected = 0;
    each([&](int64_t i) {
      ++tokens;
      selected += args_.mask[i];
    });
    const int64_t floor = std::min(args_.volume_min_tokens, tokens);
    if (selected < floor) {
      rank(0, floor - selected, 1);
    } else if (args_.volume_max_tokens > 0 && selected > args_.volume_max_tokens) {
      // 2 marks the best of the selected; then what stayed 1 is dropped.
      rank(1, args_.volume_max_tokens, 2);
      each([&](int64_t i) { args_.mask[i] = args_.mask[i] == 2 ? 1 : 0; });
    } else {
      return false;
    }
    return true;
  }

 private:
  template <class Visit>
  void each(const Visit& visit) const {
    for (int64_t g = first_; g < last_; ++g) {
      if ((args_.flags[g] & kKeptWhole) == 0) {
        for (int64_t i = args_.offsets[g]; i < args_.offsets[g + 1]; ++i) {
          visit(i);
        }
      }
    }
  }

  /** Sets the `count` best of the tokens whose mask is `from` to `to`: a histogram by 8 bits. */
  void rank(uint8_t from, int64_t count, uint8_t to) {
    uint32_t prefix = 0;
    int64_t left = count;
    for (int shift = 24; shift >= 0; shift -= 8) {
      int64_t histogram[256] = {};
      const uint32_t upper = shift == 24 ? 0 : 0xffffffffu << (shift + 8);
      each([&](int64_t i) {
        const uint32_t key = order_key(float_to_bits(args_.scores[i]));
        histogram[(key >> shift) & 255u] += args_.mask[i] == from && (key & upper) == prefix;
      });
      uint32_t digit = 255;
      while (histogram[digit] < left) {
        left -= histogram[digit--];
      }
      prefix |= digit << shift;
    }
    each([&](int64_t i) {
      const uint32_t key = order_key(float_to_bits(args_.scores[i]));
      if (args_.mask[i] == from && (key > prefix || (key == prefix && left-- > 0))) {
        args_.mask[i] = to;
      }
    });
  }

  const NucleusSelectArgs& args_;
  int64_t first_, last_;
};

}  // namespace

size_t nucleus_select_workspace(const NucleusSelectArgs& args) {
  size_t size = 0;
  lay_out(args, nullptr, &size);
  return size;
}

void nucleus_select(const NucleusSelectArgs& args) {
  size_t size = 0;
  const SegmentScratch scratch = lay_out(args, args.workspace, &size);
  const auto scratch_of = [&](int64_t g) {
    const int64_t n = args.offsets[g + 1] - args.offsets[g];
    return n > kStackScores ? SegmentScratch{scratch.weights + args.offsets[g],
                                             scratch.candidates + args.offsets[g]}
                            : SegmentScratch{};
  };
  // A task takes the segments that begin in its rows; the last one those behind the last row, too.
  const int64_t tasks = args.rows / kTaskRows + 1;
  const int64_t* const ends = args.offsets + args.segments;
  parallel_for(tasks, threads(), [&](int64_t task, int) {
    const int64_t* const from = std::lower_bound(args.offsets, ends, task * kTaskRows);
    const int64_t* const to =
        task + 1 == tasks ? ends : std::lower_bound(from, ends, (task + 1) * kTaskRows);
    for (int64_t g = from - args.offsets; g < to - args.offsets; ++g) {
      select_segment(args, g, scratch_of(g));
    }
  });
  if (args.volume_min_tokens == 0 && args.volume_max_tokens == 0) {
    return;
  }
  for (int64_t v = 0; v < args.volume_count; ++v) {
    const bool all = args.volumes == nullptr;
    const int64_t first = all ? 0 : args.volumes[v];
    const int64_t last = all ? args.segments : args.volumes[v + 1];
    if (Volume(args, first, last).bound()) {
      for (int64_t g = first; g < last; ++g) {
        list_segment(args, g, scratch_of(g));
      }
    }
  }
}

}  // namespace medpruner::cpu
