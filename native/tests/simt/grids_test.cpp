/* SPDX-License-Identifier: Apache-2.0 */
// Results do not depend on the grid: every kernel that strides over it is run on fewer blocks.

#include "cuda/nucleus_select/limits.hpp"
#include "jobs.hpp"
#include "schedules.hpp"

namespace {

/** Each kernel that strides, and the axis it strides over. */
const std::vector<std::pair<std::string, char>> kStriding = {
    {"mass_convert_lse", 'x'}, {"mass_scalar_pass", 'x'}, {"mass_tensor_pass", 'x'},
    {"mass_warpgroup_pass", 'x'},
    {"mass_pool_keys", 'y'},   {"nucleus_clear", 'x'},    {"merge_assign", 'y'},
    {"merge_targets", 'y'},    {"gather_copy", 'y'},      {"prune_copy", 'y'},
    {"prune_targets", 'y'},
    {"nucleus_digit", 'x'},    {"nucleus_count", 'x'},    {"nucleus_write", 'x'}};

TEST(fewer_blocks_give_the_same_bits) {
  const jobs::Size size = {6, 150, 150, 9, 300, 500, 6, 20};
  medpruner::cuda::g_nucleus_limits = {10, 60, 0, 4, 2048};  // spread over tiles of 16 rows
  medpruner::cuda::g_nucleus_limits.cluster_blocks = 0;
  const std::vector<jobs::Job> cpu = jobs::all(kCpu, size);
  std::vector<jobs::Job> gpu = jobs::all(kGpu, size);
  jobs::Size aligned = size;  // so that warpgroups take the rows
  aligned.head_dim = 24;
  for (jobs::Job& job : jobs::all(kGpu, aligned)) {
    if (job.name.find("attention_mass") == 0) {
      gpu.push_back(std::move(job));
    }
  }
  std::vector<jobs::Bytes> expected;
  for (size_t i = 0; i < gpu.size(); ++i) {
    expected.push_back(gpu[i].run());
    if (gpu[i].name.find("attention_mass") == std::string::npos) {
      CHECK_SAME(expected[i], cpu[i].run());
    }
  }
  for (const unsigned blocks : {1u, 2u, 3u}) {
    simt::options() = {};
    simt::options().seed = blocks;
    for (const auto& kernel : kStriding) {
      simt::options().grid_limits[kernel.first] = {kernel.second, blocks};
    }
    for (size_t i = 0; i < gpu.size(); ++i) {
      const int before = harness::failures();
      CHECK_SAME(gpu[i].run(), expected[i]);
      if (harness::failures() != before) {
        fprintf(stderr, "  %s, at most %u blocks: %s\n", gpu[i].name.c_str(), blocks,
                simt::fault_text().c_str());
      }
    }
  }
  simt::options() = {};
  medpruner::cuda::g_nucleus_limits = {};
  // A kernel of another name, or one whose grid was small anyhow, would pass unseen.
  for (const auto& kernel : kStriding) {
    CHECK(simt::grids_lowered().count(kernel.first) == 1);
    if (simt::grids_lowered().count(kernel.first) != 1) {
      fprintf(stderr, "  %s was never run on fewer blocks\n", kernel.first.c_str());
    }
  }
}

/** Every other op equals the CPU backend, whose results do not depend on the batch. */
template <class T>
void masses_of_a_batch(uint64_t seed, int64_t dim) {
  cases::Random random(seed);
  const std::vector<int64_t> offsets = {0, 70, 71, 71, 160};
  const int64_t width = 2 * dim;
  Tensor<T> query = cases::matrix<T>(random, 160, width);
  Tensor<T> key = cases::matrix<T>(random, 160, width);
  query.shape = key.shape = {160, 2, dim};
  const MassResult together = attention_mass(kGpu, contiguous(1), query, key, nullptr, offsets);
  CHECK_EQUAL(together.status, MEDPRUNER_OK);
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    const int64_t begin = offsets[g];
    const int64_t end = offsets[g + 1];
    const auto part = [&](const auto& values, int64_t columns) {
      return std::vector(values.begin() + begin * columns, values.begin() + end * columns);
    };
    Tensor<T> q({end - begin, 2, dim}, part(query.values, width));
    Tensor<T> k({end - begin, 2, dim}, part(key.values, width));
    const MassResult alone = attention_mass(kGpu, contiguous(1), q, k, nullptr, {0, end - begin});
    CHECK_SAME(alone.mass.values, part(together.mass.values, 1));
    CHECK_SAME(alone.pooled_keys.values, part(together.pooled_keys.values, dim));
  }
}

TEST(masses_do_not_depend_on_the_batch) {
  masses_of_a_batch<float>(1, 20);
  masses_of_a_batch<F16>(2, 20);
  masses_of_a_batch<BF16>(3, 20);
  masses_of_a_batch<F16>(4, 24);
  masses_of_a_batch<BF16>(5, 24);
}

}  // namespace

int main() { return schedules::run(); }
