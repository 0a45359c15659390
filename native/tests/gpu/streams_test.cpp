/* SPDX-License-Identifier: Apache-2.0 */
// Ops at the same time on one device: each thread with its own stream, every result the bits that the
// CPU backend gives, and for attention_mass those of the first run.

#include "gpu.hpp"

#include <atomic>
#include <thread>

#include "cases.hpp"

namespace {

template <class T>
bool same(const Tensor<T>& a, const Tensor<T>& b) {
  return a.values.size() == b.values.size() &&
         memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(T)) == 0;
}

template <class Body>
void on_four_threads(const Body& body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&body, t] { body(static_cast<uint64_t>(t)); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST(streams_do_not_disturb_each_other) {
  std::atomic<int> wrong{0};
  on_four_threads([&](uint64_t t) {
    cases::Random random(90 + t);
    const std::vector<int64_t> offsets = {0, 5, 5, 17};
    Tensor<uint8_t> slices = cases::matrix<uint8_t>(random, 17, 40000 + static_cast<int64_t>(t));
    const std::vector<int64_t> tokens = {0, 256, 700, 5000};
    const int64_t patches = gpu_quick() ? 160 : 512;
    const std::vector<int64_t> images = {0, patches / 2, patches};
    std::vector<float> scores(5000);
    for (float& s : scores) {
      s = expf(cases::normal(random));
    }
    Tensor<float> q = cases::matrix<float>(random, patches, 2 * 72);
    Tensor<float> k = cases::matrix<float>(random, patches, 2 * 72);
    q.shape = k.shape = {patches, 2, 72};
    const AnchorResult anchors = slice_anchor(kCpu, slices, offsets, 0.67, 1 / 127.5);
    const NucleusResult nuclei = nucleus_select(kCpu, nucleus(0, 0.9), scores, tokens);
    const MassResult first = attention_mass(kGpu, contiguous(4), q, k, nullptr, images);
    for (int round = 0; round < gpu_rounds(50); ++round) {
      const AnchorResult a = slice_anchor(kGpu, slices, offsets, 0.67, 1 / 127.5);
      const NucleusResult n = nucleus_select(kGpu, nucleus(0, 0.9), scores, tokens);
      const MassResult m = attention_mass(kGpu, contiguous(4), q, k, nullptr, images);
      const bool good = same(a.distance, anchors.distance) && same(a.keep, anchors.keep) &&
                        same(n.kept_indices, nuclei.kept_indices) &&
                        same(n.kept_mass, nuclei.kept_mass) && same(m.mass, first.mass) &&
                        same(m.pooled_keys, first.pooled_keys);
      wrong += good ? 0 : 1;
    }
  });
  CHECK_EQUAL(wrong.load(), 0);
}

}  // namespace

int main() { return run_gpu_tests(); }
