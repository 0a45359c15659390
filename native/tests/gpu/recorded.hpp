/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stage 2 on CUDA as a call that can be made again, recorded or not, on other masses in the same memory.

#include "gpu.hpp"

#include "prune_cases.hpp"

namespace recorded {

/** One call of prune on CUDA, with its memory in reach. */
class Recorded {
 public:
  explicit Recorded(PruneCase<float>& c) : case_(c), call_(kGpu) {
    const int64_t rows = c.features.shape[0];
    const int64_t count = static_cast<int64_t>(c.offsets.size()) - 1;
    bounds_ = vector_of(c.offsets);
    r_.packed = output<float>({c.capacity, c.features.shape[1]});
    r_.packed_rows = output<int64_t>({c.capacity});
    r_.packed_offsets = output<int64_t>({count + 1});
    r_.role = output<uint8_t>({rows});
    r_.assignment = output<int64_t>({rows});
    r_.kept_mass = output<double>({count});
    r_.flags = output<uint32_t>({count});
    mass_ = call_.in(c.mass);
    keys_ = call_.in(c.keys);
    features_ = call_.in(c.features);
    offsets_ = call_.in(bounds_);
    for (const medpruner_tensor* t :
         {call_.out(r_.packed), call_.out(r_.packed_rows), call_.out(r_.packed_offsets),
          call_.out(r_.role), call_.out(r_.assignment), call_.out(r_.kept_mass),
          call_.out(r_.flags)}) {
      outputs_.push_back(t);
    }
    CHECK_EQUAL(medpruner_prune_workspace(&c.params, nullptr, nullptr, keys_, features_, offsets_,
                                          nullptr, &bytes_),
                MEDPRUNER_OK);
    workspace_ = call_.workspace(bytes_);
  }

  medpruner_status run(size_t bytes) {
    return medpruner_prune(&case_.params, nullptr, nullptr, nullptr, mass_, keys_, features_,
                           offsets_, nullptr, nullptr, outputs_[0], outputs_[1], outputs_[2],
                           outputs_[3], outputs_[4], outputs_[5], outputs_[6], workspace_, bytes,
                           stream());
  }
  medpruner_status run() { return run(bytes_); }

  void change_mass(const std::vector<float>& values) {
    CHECK_EQUAL(medpruner_copy(mass_->data, &kGpu, values.data(), &kCpu, values.size() * 4, stream()),
                MEDPRUNER_OK);
  }

  const PruneResult<float>& fetch() {
    call_.finish();
    r_.status = MEDPRUNER_OK;
    r_.mass = case_.mass;
    r_.pooled_keys = case_.keys;
    return r_;
  }

  void* stream() const { return call_.stream(); }

 private:
  PruneCase<float>& case_;
  Call call_;
  Tensor<int64_t> bounds_;
  PruneResult<float> r_;
  const medpruner_tensor *mass_, *keys_, *features_, *offsets_;
  std::vector<const medpruner_tensor*> outputs_;
  void* workspace_ = nullptr;
  size_t bytes_ = 0;
};

inline PruneCase<float> masses(uint64_t seed, const std::vector<int64_t>& offsets = {0, 256, 512, 700},
                               int64_t dim = 72, int64_t channels = 640) {
  cases::Random random(seed);
  const int64_t rows = offsets.back();
  PruneCase<float> c;
  c.offsets = offsets;
  c.mass = vector_of(std::vector<float>(static_cast<size_t>(rows)));
  c.keys = cases::matrix<float>(random, rows, dim);
  c.features = cases::matrix<float>(random, rows, channels);
  c.capacity = rows;
  c.params.nucleus.tau = 0.7;
  return c;
}

inline void randomise(cases::Random& random, PruneCase<float>& c) {
  for (float& m : c.mass.values) {
    m = expf(cases::normal(random));
  }
}

}  // namespace recorded
