/* SPDX-License-Identifier: Apache-2.0 */
// Offsets of any kind: descending, overlapping, far out of range. Whatever they are, an op stays inside its
// tensors, flags every bad segment, and leaves rows of no good segment alone. What good segments that overlap
// hold is not specified: there, and only there, races and reads of unwritten memory are let pass.

#include "cuda/nucleus_select/limits.hpp"
#include "schedules.hpp"

namespace {

constexpr int64_t kRows = 24;

std::vector<int64_t> garbage(cases::Random& random) {
  std::vector<int64_t> offsets;
  const int64_t count = cases::integer(random, 1, 7);
  for (int64_t i = 0; i < count; ++i) {
    const std::vector<int64_t> far = {INT64_MAX, INT64_MIN, -1, kRows + 1, int64_t{1} << 32};
    offsets.push_back(cases::integer(random, 0, 4) == 0
                          ? far[static_cast<size_t>(cases::integer(random, 0, 4))]
                          : cases::integer(random, 0, kRows));
  }
  return offsets;
}

struct Truth {
  std::vector<bool> good;     // per segment
  std::vector<bool> covered;  // per row: in a good segment
  bool overlap = false;

  /** Segments must start and end at multiples of `pool`. */
  Truth(const std::vector<int64_t>& offsets, int64_t pool) : covered(kRows) {
    for (size_t g = 0; g + 1 < offsets.size(); ++g) {
      const int64_t begin = offsets[g];
      const int64_t end = offsets[g + 1];
      good.push_back(begin >= 0 && begin <= end && end <= kRows &&
                     (begin == end || (begin % pool == 0 && end % pool == 0)));
      for (int64_t row = begin; good.back() && row < end; ++row) {
        overlap = overlap || covered[static_cast<size_t>(row)];
        covered[static_cast<size_t>(row)] = true;
      }
    }
  }
};

/** `values` rows of `per_row` values: 0xCD throughout where no good segment is. */
template <class T>
void check_untouched(const std::vector<T>& values, const Truth& truth, int64_t per_row, int64_t pool) {
  for (int64_t row = 0; row < kRows; row += pool) {
    if (truth.covered[static_cast<size_t>(row)]) {
      continue;
    }
    const auto* bytes =
        reinterpret_cast<const uint8_t*>(&values[static_cast<size_t>(row / pool * per_row)]);
    bool clean = true;
    for (size_t i = 0; i < static_cast<size_t>(per_row) * sizeof(T); ++i) {
      clean = clean && bytes[i] == 0xCD;
    }
    CHECK(clean);
  }
}

void check_flags(const std::vector<uint32_t>& flags, const Truth& truth) {
  CHECK_EQUAL(flags.size(), truth.good.size());
  for (size_t g = 0; g < flags.size(); ++g) {
    CHECK_EQUAL((flags[g] & schedules::kBad) != 0, !truth.good[g]);
  }
}

template <class Body>
void rounds(uint64_t seed, int count, Body body) {
  cases::Random random(seed);
  int apart = 0;
  for (int round = 0; round < count; ++round) {
    const std::vector<int64_t> offsets = garbage(random);
    const bool overlap = Truth(offsets, 1).overlap;
    apart += overlap ? 0 : 1;
    schedules::each(3, [&] {
      simt::options().block_races = !overlap;
      simt::options().thread_races = !overlap;
      simt::options().undefined_reads = !overlap;
      body(random, offsets);
    });
  }
  CHECK(apart > count / 4 && apart < count);  // both kinds were there
}

TEST(slice_anchor) {
  rounds(61, 80, [](cases::Random& random, const std::vector<int64_t>& offsets) {
    Tensor<float> slices = cases::matrix<float>(random, kRows, 3);
    const AnchorResult r = slice_anchor(kGpu, slices, offsets, 1, 1);
    const Truth truth(offsets, 1);
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    for (size_t g = 0; g < truth.good.size(); ++g) {
      CHECK_EQUAL(r.kept_counts.values[g] == -1, !truth.good[g]);
    }
    check_untouched(r.keep.values, truth, 1, 1);
    check_untouched(r.representative.values, truth, 1, 1);
    check_untouched(r.kept_indices.values, truth, 1, 1);
  });
}

TEST(attention_mass) {
  rounds(62, 40, [](cases::Random& random, const std::vector<int64_t>& offsets) {
    Tensor<float> q = cases::matrix<float>(random, kRows, 2);
    q.shape = {kRows, 1, 2};
    const MassResult r = attention_mass(kGpu, contiguous(2), q, q, nullptr, offsets);
    const Truth truth(offsets, 2);
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    check_flags(r.flags.values, truth);
    check_untouched(r.mass.values, truth, 1, 2);
    check_untouched(r.pooled_keys.values, truth, 2, 2);
  });
}

TEST(nucleus_select) {
  rounds(63, 80, [](cases::Random& random, const std::vector<int64_t>& offsets) {
    medpruner_nucleus_select_params params = nucleus(0, 0.6);
    params.volume_max_tokens = cases::integer(random, 0, 1) * 6;
    params.volume_min_tokens = params.volume_max_tokens / 2;
    if (cases::integer(random, 0, 1) == 0) {  // spread over tiles of four rows, or a cluster for each
      medpruner::cuda::g_nucleus_limits = {1024, 5, 0, 2, 2048};
      medpruner::cuda::g_nucleus_limits.cluster_blocks = cases::integer(random, 0, 3) == 0 ? 1 : 0;
    }
    const NucleusResult r =
        nucleus_select(kGpu, params, cases::scores(random, {0, kRows}), offsets);
    const Truth truth(offsets, 1);
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    check_flags(r.flags.values, truth);
    check_untouched(r.mask.values, truth, 1, 1);
    check_untouched(r.kept_indices.values, truth, 1, 1);
    medpruner::cuda::g_nucleus_limits = {};
  });
}

TEST(contextual_merge) {
  rounds(64, 80, [](cases::Random& random, const std::vector<int64_t>& offsets) {
    Tensor<float> keys = cases::matrix<float>(random, kRows, 2);
    Tensor<BF16> features = cases::matrix<BF16>(random, kRows, 3);
    std::vector<uint8_t> mask(kRows);
    for (uint8_t& in : mask) {
      in = static_cast<uint8_t>(cases::integer(random, 0, 1));
    }
    const auto r = contextual_merge(kGpu, 0.2, &features, keys, mask, offsets);
    const Truth truth(offsets, 1);
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    check_flags(r.flags.values, truth);
    check_untouched(r.merged.values, truth, 3, 1);
    check_untouched(r.role.values, truth, 1, 1);
    check_untouched(r.assignment.values, truth, 1, 1);
    check_untouched(r.kept_indices.values, truth, 1, 1);
  });
}

TEST(gather_rows) {
  rounds(65, 80, [](cases::Random& random, const std::vector<int64_t>& offsets) {
    Tensor<uint8_t> source = cases::matrix<uint8_t>(random, kRows, 5);
    std::vector<int64_t> indices(kRows);
    for (int64_t& index : indices) {
      index = cases::integer(random, 0, kRows - 1);
    }
    const Truth truth(offsets, 1);
    std::vector<int64_t> counts;
    std::vector<int64_t> packed = {0};
    for (size_t g = 0; g < truth.good.size(); ++g) {
      const int64_t length = truth.good[g] ? offsets[g + 1] - offsets[g] : 3;
      counts.push_back(cases::integer(random, 0, length));
      packed.push_back(packed.back() + (truth.good[g] ? counts.back() : 0));
    }
    const auto r = gather_rows(kGpu, source, indices, counts, offsets, packed.back() / 2);
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    check_flags(r.flags.values, truth);
    CHECK_SAME(r.packed_offsets.values, packed);
  });
}

TEST(prune) {
  rounds(66, 40, [](cases::Random& random, const std::vector<int64_t>& offsets) {
    PruneCase<BF16> c;
    c.offsets = offsets;
    c.mass = vector_of(cases::scores(random, {0, kRows}));
    c.keys = cases::matrix<float>(random, kRows, 2);
    c.features = cases::matrix<BF16>(random, kRows, 3);
    for (size_t g = 0; g + 1 < offsets.size(); ++g) {
      c.segments.push_back(static_cast<uint8_t>(cases::integer(random, 0, 1)));
    }
    c.params.dropped_tokens = 2;
    c.params.merge.ratio = 0.2;
    c.capacity = cases::integer(random, 0, kRows);
    const auto r = prune(kGpu, c);
    const Truth truth(offsets, 1);
    CHECK_EQUAL(r.status, MEDPRUNER_OK);
    check_flags(r.flags.values, truth);
    check_untouched(r.role.values, truth, 1, 1);
    check_untouched(r.assignment.values, truth, 1, 1);
    for (size_t g = 0; g < truth.good.size(); ++g) {
      const int64_t packed = r.packed_offsets.values[g + 1] - r.packed_offsets.values[g];
      CHECK(packed >= 0 && packed <= (truth.good[g] ? offsets[g + 1] - offsets[g] : 0));
    }
  });
}

}  // namespace

int main() { return schedules::run(); }
