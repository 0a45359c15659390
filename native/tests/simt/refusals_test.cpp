/* SPDX-License-Identifier: Apache-2.0 */
// Sizes that no grid of CUDA has room for, and that are found out on the way to a launch: the call is refused by the
// argument's name, and nothing has been launched, so nothing was written and nothing recorded.

#include <deque>

#include "schedules.hpp"

namespace {

constexpr int64_t kTooMany = int64_t{1} << 31;
constexpr int64_t kTooWide = 65535 * 256 + 1;  // odd, so in units of an element

/** Tensors in memory that is not there: a call that is refused looks at their descriptors alone. */
class Absent {
 public:
  template <class T>
  const medpruner_tensor* of(std::vector<int64_t> shape) {
    shapes_.push_back(std::move(shape));
    std::vector<int64_t>& own = shapes_.back();
    views_.push_back({memory(), kGpu, static_cast<int32_t>(own.size()), DTypeOf<T>::get(), own.data(), nullptr, 0});
    return &views_.back();
  }
  /** The next 16 TB. */
  void* memory() { return reinterpret_cast<void*>(++used_ << 44); }

 private:
  std::deque<std::vector<int64_t>> shapes_;
  std::deque<medpruner_tensor> views_;
  uintptr_t used_ = 0;
};

/** `call` gives a status, `text` is how that of the refusal begins. */
template <class Op>
void check_refused(const std::string& text, const Op& call) {
  simt::options() = {};
  simt::clear_fault();
  const uint64_t before = simt::counters().launches;
  CHECK_EQUAL(call(), MEDPRUNER_ERR_UNSUPPORTED);
  CHECK_EQUAL(simt::counters().launches - before, 0u);
  CHECK(last_error().compare(0, text.size(), text) == 0);
  if (last_error().compare(0, text.size(), text) != 0) {
    fprintf(stderr, "  \"%s\", expected \"%s...\"\n", last_error().c_str(), text.c_str());
  }
}

medpruner_status merge(int64_t rows, int64_t segments, int64_t channels) {
  const medpruner_contextual_merge_params params = {sizeof params, 0, 0.1};
  Absent a;
  const auto* keys = a.of<float>({rows, 2});
  const auto* offsets = a.of<int64_t>({segments + 1});
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_contextual_merge_workspace(&params, keys, offsets, &bytes), MEDPRUNER_OK);
  return medpruner_contextual_merge(&params, a.of<BF16>({rows, channels}), keys, a.of<uint8_t>({rows}), offsets,
                                    a.of<BF16>({rows, channels}), a.of<uint8_t>({rows}), a.of<int64_t>({rows}),
                                    a.of<int64_t>({rows}), a.of<int64_t>({segments}), a.of<uint32_t>({segments}),
                                    a.memory(), bytes, nullptr);
}

TEST(contextual_merge) {
  check_refused("features: shape[1] is too large", [] { return merge(2, 1, kTooWide); });
  check_refused("offsets: ", [] { return merge(2, kTooMany, 8); });
  check_refused("keys: ", [] { return merge(int64_t{1} << 32, 1, 8); });
}

/** Masses given, or with `heads` made of query and key of one component; some volumes may be bounded. */
medpruner_status prune(int64_t rows, int64_t segments, int64_t channels, int64_t heads, int64_t volumes) {
  PruneCase<BF16> c;
  c.params.nucleus.volume_max_tokens = volumes > 0 ? 5 : 0;
  Absent a;
  const auto* query = heads > 0 ? a.of<BF16>({rows, heads, 1}) : nullptr;
  const auto* key = heads > 0 ? a.of<BF16>({rows, heads, 1}) : nullptr;
  const auto* keys = a.of<float>({rows, 1});
  const auto* features = a.of<BF16>({rows, channels});
  const auto* offsets = a.of<int64_t>({segments + 1});
  const auto* groups = volumes > 0 ? a.of<int64_t>({volumes + 1}) : nullptr;
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_prune_workspace(&c.params, query, key, keys, features, offsets, groups, &bytes), MEDPRUNER_OK);
  return medpruner_prune(&c.params, query, key, nullptr, a.of<float>({rows}), keys, features, offsets, nullptr, groups,
                         a.of<BF16>({rows, channels}), a.of<int64_t>({rows}), a.of<int64_t>({segments + 1}),
                         a.of<uint8_t>({rows}), a.of<int64_t>({rows}), a.of<double>({segments}),
                         a.of<uint32_t>({segments}), a.memory(), bytes, nullptr);
}

TEST(prune) {
  for (const int64_t heads : {0, 1}) {
    check_refused("features: shape[1] is too large", [&] { return prune(2, 1, kTooWide, heads, 0); });
    check_refused("offsets: ", [&] { return prune(2, kTooMany, 8, heads, 0); });
    check_refused("volumes: ", [&] { return prune(2, 1, 8, heads, kTooMany); });
  }
  check_refused("query: ", [] { return prune(4, 2, 8, kTooMany / 2, 0); });
}

medpruner_status mass(int64_t segments, int64_t heads, bool with_lse) {
  const auto params = contiguous(1);
  Absent a;
  const auto* query = a.of<F16>({4, heads, 1});
  const auto* key = a.of<F16>({4, heads, 1});
  const auto* offsets = a.of<int64_t>({segments + 1});
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_attention_mass_workspace(&params, query, key, offsets, &bytes), MEDPRUNER_OK);
  return medpruner_attention_mass(&params, query, key, with_lse ? a.of<float>({heads, 4}) : nullptr, offsets,
                                  a.of<float>({4}), nullptr, a.of<uint32_t>({segments}), a.memory(), bytes, nullptr);
}

TEST(attention_mass) {
  for (const bool with_lse : {false, true}) {
    check_refused("query: ", [&] { return mass(2, kTooMany / 2, with_lse); });
    check_refused("offsets: ", [&] { return mass(kTooMany, 1, with_lse); });
  }
}

medpruner_status select(int64_t segments, int64_t volumes) {
  auto params = nucleus(MEDPRUNER_SCORE_MASS, 0.5);
  params.volume_max_tokens = volumes > 0 ? 5 : 0;
  Absent a;
  const auto* scores = a.of<float>({4});
  const auto* offsets = a.of<int64_t>({segments + 1});
  const auto* groups = volumes > 0 ? a.of<int64_t>({volumes + 1}) : nullptr;
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_nucleus_select_workspace(&params, scores, offsets, groups, &bytes), MEDPRUNER_OK);
  return medpruner_nucleus_select(&params, scores, offsets, groups, a.of<uint8_t>({4}), a.of<int64_t>({4}),
                                  a.of<int64_t>({segments}), a.of<double>({segments}), a.of<uint32_t>({segments}),
                                  a.memory(), bytes, nullptr);
}

TEST(nucleus_select) {
  check_refused("offsets: ", [] { return select(kTooMany, 0); });
  check_refused("offsets: ", [] { return select(kTooMany, 1); });
  check_refused("volumes: ", [] { return select(1, kTooMany); });
}

TEST(gather_rows) {
  check_refused("offsets: ", [] {
    const medpruner_gather_rows_params params = {sizeof params, 0};
    Absent a;
    return medpruner_gather_rows(&params, a.of<float>({4, 2}), a.of<int64_t>({4}), a.of<int64_t>({kTooMany}),
                                 a.of<int64_t>({kTooMany + 1}), a.of<float>({4, 2}), a.of<int64_t>({kTooMany + 1}),
                                 a.of<uint32_t>({kTooMany}), nullptr, 0, nullptr);
  });
}

template <class T>
medpruner_status anchor(int64_t rows, int64_t segments) {
  const medpruner_slice_anchor_params params = {sizeof params, 0, 1, 1, 0};
  Absent a;
  const auto* slices = a.of<T>({rows, 16});
  const auto* offsets = a.of<int64_t>({segments + 1});
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_slice_anchor_workspace(&params, slices, offsets, &bytes), MEDPRUNER_OK);
  return medpruner_slice_anchor(&params, slices, offsets, a.of<uint8_t>({rows}), a.of<float>({rows}),
                                a.of<int32_t>({rows}), a.of<int32_t>({rows}), a.of<int32_t>({segments}),
                                a.of<uint32_t>({rows}), a.memory(), bytes, nullptr);
}

TEST(slice_anchor) {
  check_refused("offsets: ", [] { return anchor<uint8_t>(3, kTooMany); });
  check_refused("offsets: ", [] { return anchor<float>(3, kTooMany); });
  check_refused("offsets: ", [] { return anchor<float>(0, kTooMany); });
}

/** Planes of one column, a patch a row of them: a block for the patch and one for each plane. */
TEST(slice_anchor_patches) {
  check_refused("slices: ", [] {
    const auto params = patches(1, 1, 1, {2, kTooMany / 2, 1, 1, 1});
    Absent a;
    const auto* slices = a.of<float>({3, kTooMany});
    const auto* offsets = a.of<int64_t>({2});
    size_t bytes = 0;
    CHECK_EQUAL(medpruner_slice_anchor_patches_workspace(&params, slices, offsets, &bytes), MEDPRUNER_OK);
    return medpruner_slice_anchor_patches(&params, slices, offsets, a.of<uint8_t>({3}), a.of<float>({3}),
                                          a.of<float>({3}), a.of<int32_t>({3}), a.of<int32_t>({3}),
                                          a.of<int32_t>({3}), a.of<int32_t>({1}), a.of<uint32_t>({3}), a.memory(),
                                          bytes, nullptr);
  });
}

/** No rows are no work, however wide. */
TEST(none_of_rows_that_are_too_wide) {
  simt::options() = {};
  simt::clear_fault();
  Tensor<BF16> features({0, kTooWide}, {});
  Tensor<float> keys({0, 2}, {});
  const auto merged = contextual_merge(kGpu, 0.1, &features, keys, {}, {0, 0, 0});
  CHECK_EQUAL(merged.status, MEDPRUNER_OK);
  CHECK_SAME(merged.kept_counts.values, (std::vector<int64_t>{0, 0}));
  CHECK_SAME(merged.flags.values, (std::vector<uint32_t>{0, 0}));
  PruneCase<BF16> c;
  c.features = features;
  c.keys = keys;
  c.mass = Tensor<float>({0}, {});
  c.offsets = {0, 0, 0};
  const auto pruned = ::prune(kGpu, c);
  CHECK_EQUAL(pruned.status, MEDPRUNER_OK);
  CHECK_SAME(pruned.packed_offsets.values, (std::vector<int64_t>{0, 0, 0}));
  CHECK_SAME(pruned.flags.values, (std::vector<uint32_t>{0, 0}));
}

}  // namespace

int main() { return schedules::run(); }
