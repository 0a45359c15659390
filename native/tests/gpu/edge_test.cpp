/* SPDX-License-Identifier: Apache-2.0 */
// What only CUDA does: offsets that cannot be checked on the host, capacities, memory and streams.

#include "cases.hpp"
#include "checks.hpp"
#include "gpu.hpp"

namespace {

constexpr uint32_t kBad = MEDPRUNER_SEGMENT_BAD_OFFSETS;

TEST(device_memory_round_trip) {
  std::vector<int32_t> values(1000);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<int32_t>(i * i);
  }
  std::vector<int32_t> back(1000);
  void* memory = nullptr;
  void* second = nullptr;
  void* stream = nullptr;
  CHECK_EQUAL(medpruner_stream_create(&kGpu, &stream), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_alloc(&kGpu, 4000, &memory), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_alloc(&kGpu, 4000, &second), MEDPRUNER_OK);
  CHECK_EQUAL(reinterpret_cast<uintptr_t>(memory) % 256, 0u);
  CHECK_EQUAL(medpruner_copy(memory, &kGpu, values.data(), &kCpu, 4000, stream), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_copy(second, &kGpu, memory, &kGpu, 4000, stream), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_copy(back.data(), &kCpu, second, &kGpu, 4000, stream), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_stream_synchronize(&kGpu, stream), MEDPRUNER_OK);
  CHECK_SAME(back, values);
  CHECK_EQUAL(medpruner_free(&kGpu, memory), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_free(&kGpu, second), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_stream_destroy(&kGpu, stream), MEDPRUNER_OK);
}

TEST(device_properties) {
  medpruner_cuda_device_info info = {};
  info.struct_size = sizeof info;
  CHECK_EQUAL(medpruner_cuda_device_get(0, &info), MEDPRUNER_OK);
  CHECK(info.compute_major >= 5 && info.multiprocessors > 0 && info.total_memory_bytes > 1 << 28);
  printf("%s, compute capability %d.%d\n", info.name, static_cast<int>(info.compute_major),
         static_cast<int>(info.compute_minor));
}

TEST(bad_offsets_are_skipped_and_flagged) {
  const auto params = nucleus(MEDPRUNER_SCORE_MASS, 0.5);
  const std::vector<float> scores(10, 1);
  const NucleusResult r = nucleus_select(kGpu, params, scores, {0, 4, 2, 20, 10, 10});
  CHECK_SAME(r.flags.values, (std::vector<uint32_t>{0, kBad, kBad, kBad, 0}));
  CHECK_EQUAL(r.kept_counts.values[0], 2);
  CHECK_EQUAL(r.kept_counts.values[4], 0);
  CHECK_EQUAL(r.mask.values[9], 0xCD);

  Tensor<float> slices({4, 2}, std::vector<float>(8, 1));
  const AnchorResult a = slice_anchor(kGpu, slices, {0, 2, -1, 9}, 0.5, 1);
  CHECK_SAME(a.kept_counts.values, (std::vector<int32_t>{1, -1, -1}));
  CHECK_EQUAL(a.keep.values[3], 0xCD);

  Tensor<float> keys({6, 2}, std::vector<float>(12, 1));
  const auto m = contextual_merge<float>(kGpu, 0.05, nullptr, keys, {0, 0, 0, 0, 0, 0}, {0, 3, 9});
  CHECK_SAME(m.flags.values, (std::vector<uint32_t>{0, kBad}));
  CHECK_EQUAL(m.role.values[4], 0xCD);

  Tensor<float> q({6, 1, 2}, std::vector<float>(12, 1));
  const MassResult v = attention_mass(kGpu, contiguous(2), q, q, nullptr, {0, 2, 5, 9});
  CHECK_SAME(v.flags.values, (std::vector<uint32_t>{0, kBad, kBad}));
  CHECK(fabsf(v.mass.values[0] - 1) < 1e-6f);
}

TEST(bad_volumes_get_no_bounds) {
  auto params = nucleus(MEDPRUNER_SCORE_MASS, 0.5);
  params.volume_max_tokens = 1;
  const NucleusResult r =
      nucleus_select(kGpu, params, std::vector<float>(8, 1), {0, 4, 8}, {0, 1, 5});
  CHECK_SAME(r.kept_counts.values, (std::vector<int64_t>{1, 2}));
  CHECK_SAME(r.flags.values, (std::vector<uint32_t>{0, kBad}));
}

TEST(gather_faults_are_flagged) {
  Tensor<int32_t> source({4, 1}, {10, 20, 30, 40});
  const auto bad_row = gather_rows(kGpu, source, {0, 9, 1, 2}, {2, 1}, {0, 2, 4}, 4);
  CHECK_SAME(bad_row.flags.values, (std::vector<uint32_t>{kBad, 0}));
  CHECK_EQUAL(bad_row.packed.values[0], 10);
  CHECK_EQUAL(bad_row.packed.values[1], 0);
  CHECK_EQUAL(bad_row.packed.values[2], 20);
  const auto small = gather_rows(kGpu, source, {0, 1, 2, 3}, {2, 2}, {0, 2, 4}, 3);
  CHECK_SAME(small.flags.values,
             (std::vector<uint32_t>{0, static_cast<uint32_t>(MEDPRUNER_SEGMENT_CAPACITY)}));
  CHECK_SAME(small.packed.values, (std::vector<int32_t>{10, 20, 30}));
  CHECK_SAME(small.packed_offsets.values, (std::vector<int64_t>{0, 2, 4}));
  Tensor<int32_t> no_values({4, 0}, {});
  const auto stray = gather_rows(kGpu, no_values, {0, 9, 1, 2}, {2, 1}, {0, 2, 4}, 4);
  CHECK_SAME(stray.flags.values, (std::vector<uint32_t>{kBad, 0}));
  const auto bad_count = gather_rows(kGpu, source, {0, 1, 2, 3}, {3, 1}, {0, 2, 4}, 4);
  CHECK_SAME(bad_count.flags.values, (std::vector<uint32_t>{kBad, 0}));
  CHECK_SAME(bad_count.packed_offsets.values, (std::vector<int64_t>{0, 0, 1}));
}

/** One slice more and less than whole windows, volumes that start and end at each place of one. */
TEST(slice_anchor_windows) {
  cases::Random random(72);
  std::vector<int64_t> offsets = {0};
  for (int64_t length : {1, 2, 7, 8, 9, 10, 15, 16, 17, 18}) {
    offsets.push_back(offsets.back() + length);
  }
  const int64_t size = gpu_quick() ? 4500 : 20000;
  Tensor<float> slices = cases::matrix<float>(random, offsets.back(), size);
  for (int64_t row = 0; row < offsets.back(); row += 5) {
    slices.values[static_cast<size_t>(row * size + 7 * row)] = row % 2 == 0 ? NAN : INFINITY;
  }
  for (double gamma : {-1.0, 0.0, 1.128, static_cast<double>(INFINITY)}) {
    check_same(slice_anchor(kGpu, slices, offsets, gamma, 1, 3),
               slice_anchor(kCpu, slices, offsets, gamma, 1, 3));
  }
}

/** The same call again and again, as the first time. */
template <class Run>
void check_repeated(int rounds, const Run& run) {
  const auto first = run();
  for (int i = 0; i < gpu_rounds(rounds); ++i) {
    check_same(run(), first);
  }
}

TEST(many_runs_give_the_same_bits) {
  cases::Random random(71);
  Tensor<float> slices = cases::matrix<float>(random, 12, 50000);
  const auto grid = patches(1e300, 1, 1.5, {1, 200, 250, 14, 14});
  check_repeated(200, [&] { return slice_anchor(kGpu, slices, {0, 12}, 1.128, 1); });
  check_repeated(50, [&] { return slice_anchor_patches(kGpu, slices, {0, 12}, grid); });
}

/** Short ones, large ones, one in a cluster where the device has them, and spread over many blocks. */
TEST(many_runs_select_the_same_tokens) {
  cases::Random random(73);
  for (const std::vector<int64_t>& offsets : std::vector<std::vector<int64_t>>{
           {0, 200, 256, 700}, {0, 8192}, {0, 20000}, {0, 17000, 131073}}) {
    const std::vector<float> scores = cases::segment_scores(random, offsets.back(), 0);
    check_repeated(50, [&] { return nucleus_select(kGpu, nucleus(MEDPRUNER_SCORE_MASS, 0.9), scores, offsets); });
  }
}

TEST(many_runs_merge_and_pack_the_same_rows) {
  cases::Random random(75);
  const std::vector<int64_t> offsets = {0, 256, 256, 700};
  Tensor<float> keys = cases::matrix<float>(random, 700, 72);
  Tensor<BF16> features = cases::matrix<BF16>(random, 700, 264);
  const std::vector<uint8_t> in = cases::mask(random, 700, 3);
  const cases::RowLists lists = cases::row_lists(random, offsets);
  PruneCase<BF16> c;
  c.offsets = offsets;
  c.mass = vector_of(cases::segment_scores(random, 700, 0));
  c.keys = keys;
  c.features = features;
  c.capacity = 700;
  c.params.nucleus.tau = 0.7;
  check_repeated(50, [&] { return contextual_merge(kGpu, 0.1, &features, keys, in, offsets); });
  check_repeated(50, [&] { return gather_rows(kGpu, features, lists.indices, lists.counts, offsets, lists.total); });
  check_repeated(50, [&] { return prune(kGpu, c); });
}

}  // namespace

int main() { return run_gpu_tests(); }
