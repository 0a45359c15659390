/* SPDX-License-Identifier: Apache-2.0 */
// Prints its instruction-set tier, then one hash per op and dtype; check_isa.cmake runs it on all tiers.

#include <stdio.h>

#include "cases.hpp"

namespace {

uint64_t hash = 0;
bool broken = false;

template <class T>
void add(const std::vector<T>& values) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (size_t i = 0; i < values.size() * sizeof(T); ++i) {  // FNV-1a
    hash = (hash ^ bytes[i]) * 0x100000001b3ull;
  }
}

template <class T>
void print_hashes(const char* name, uint64_t seed) {
  cases::Random random(seed);
  hash = 0xcbf29ce484222325ull;
  Tensor<T> slices = cases::matrix<T>(random, 9, 10007, 1, 1);  // rows stay 10008 apart below
  add(slice_anchor(kCpu, slices, {0, 4, 9}, 1.12, 1).distance.values);
  slices.shape = {9, 9999};
  add(slice_anchor_patches(kCpu, slices, {0, 4, 9}, patches(1.12, 1, 1.5, {3, 33, 101, 14, 14}))
          .patch_distance.values);
  printf("slice_anchor %s %016llx\n", name, static_cast<unsigned long long>(hash));
  if constexpr (!std::is_integral_v<T>) {
    Tensor<T> q = cases::matrix<T>(random, 203, 2 * 37);
    Tensor<T> k = cases::matrix<T>(random, 203, 2 * 37);
    q.shape = k.shape = {203, 2, 37};
    add(attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, 100, 203}).mass.values);
    // Cut into units, with rising maxima, and by a given lse.
    Tensor<T> long_q = cases::matrix<T>(random, 700, 13);
    Tensor<T> long_k = cases::matrix<T>(random, 700, 13);
    long_q.shape = long_k.shape = {700, 1, 13};
    Tensor<float> lse({1, 700}, std::vector<float>(700, 5.5f));
    add(attention_mass(kCpu, contiguous(1, 9), long_q, long_k, nullptr, {0, 700}).mass.values);
    add(attention_mass(kCpu, contiguous(7), long_q, long_k, &lse, {0, 700}).mass.values);
    Tensor<float> keys = cases::matrix<float>(random, 203, 37);
    Tensor<T> features = cases::matrix<T>(random, 203, 300);
    const auto merged =
        contextual_merge(kCpu, 0.1, &features, keys, std::vector<uint8_t>(203, 0), {0, 203});
    broken = broken || merged.status != MEDPRUNER_OK;
    add(merged.merged.values);
    add(merged.assignment.values);
    PruneCase<T> all;
    all.offsets = {0, 203};
    all.mass = vector_of(std::vector<float>(203));
    for (float& m : all.mass.values) {
      m = expf(cases::normal(random));
    }
    all.keys = keys;
    all.features = features;
    all.params.nucleus.tau = 0.5;
    all.capacity = 203;
    const auto pruned = prune(kCpu, all);
    broken = broken || pruned.status != MEDPRUNER_OK;
    add(pruned.packed.values);
    printf("attention_mass, contextual_merge and prune %s %016llx\n", name,
           static_cast<unsigned long long>(hash));
  }
}

}  // namespace

int main() {
  printf("%s\n", medpruner_cpu_isa());
  print_hashes<uint8_t>("u8", 81);
  print_hashes<float>("f32", 82);
  print_hashes<F16>("f16", 83);
  print_hashes<BF16>("bf16", 84);
  cases::Random random(85);
  hash = 0xcbf29ce484222325ull;
  std::vector<float> scores(5000);
  for (float& s : scores) {
    s = expf(cases::normal(random));
  }
  const NucleusResult r = nucleus_select(kCpu, nucleus(0, 0.9), scores, {0, 5000});
  add(r.mask.values);
  add(r.kept_mass.values);
  printf("nucleus_select %016llx\n", static_cast<unsigned long long>(hash));
  return broken ? 1 : 0;
}
