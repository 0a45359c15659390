/* SPDX-License-Identifier: Apache-2.0 */
// A million mixed calls from eight threads, the pool in use: every result the bits of the first one, and
// no more memory at the end than after the first tenth. MEDPRUNER_SOAK_CALLS sets another number.

#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "cases.hpp"
#include "harness.hpp"
#include "ops.hpp"

namespace {

constexpr int kThreads = 8;
constexpr int64_t kAllowedGrowth = 8 << 20;  // allocator arenas of eight threads; a leak of 10 bytes a call shows

/** At least one for each thread: without a call nothing says when a tenth of them has been made. */
int64_t calls() { return harness::number_from("MEDPRUNER_SOAK_CALLS", 1000000, kThreads); }

int64_t resident_bytes() {
  long total = 0;
  long resident = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (file != nullptr) {
    if (fscanf(file, "%ld %ld", &total, &resident) != 2) {
      resident = 0;
    }
    fclose(file);
  }
  return resident * sysconf(_SC_PAGESIZE);
}

/** FNV-1a over outputs; a failed call counts as such. */
class Hash {
 public:
  template <class T>
  Hash& add(const Tensor<T>& tensor) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(tensor.values.data());
    for (size_t i = 0; i < tensor.values.size() * sizeof(T); ++i) {
      value_ = (value_ ^ bytes[i]) * 0x100000001b3ull;
    }
    return *this;
  }
  uint64_t of(medpruner_status status) const { return status == MEDPRUNER_OK ? value_ : 0; }

 private:
  uint64_t value_ = 0xcbf29ce484222325ull;
};

/** A call with its inputs, which are made once: to make them anew each time took four fifths of the test. */
using Job = std::function<uint64_t()>;

template <class T>
Job anchor_call(cases::Random& random, int64_t size) {
  return [slices = cases::matrix<T>(random, 4, size, 1, 1)] {
    Tensor<T> own = slices;
    const AnchorResult r = slice_anchor(kCpu, own, {0, 1, 4}, 1.1, 1);
    return Hash().add(r.keep).add(r.distance).add(r.representative).add(r.flags).of(r.status);
  };
}

/** Patches of eight columns; the last one is narrower. */
template <class T>
Job patches_call(cases::Random& random, int64_t size) {
  return [slices = cases::matrix<T>(random, 4, size, 1, 1), size] {
    Tensor<T> own = slices;
    const AnchorResult r = slice_anchor_patches(kCpu, own, {0, 1, 4}, patches(1.1, 1, 2, {1, 1, size, 1, 8}));
    return Hash()
        .add(r.keep)
        .add(r.distance)
        .add(r.patch_distance)
        .add(r.patch_index)
        .add(r.representative)
        .add(r.flags)
        .of(r.status);
  };
}

template <class T>
Job mass_call(cases::Random& random, int64_t patches) {
  Tensor<T> query = cases::matrix<T>(random, patches, 2 * 8);
  Tensor<T> key = cases::matrix<T>(random, patches, 2 * 8);
  query.shape = key.shape = {patches, 2, 8};
  return [query, key, patches] {
    Tensor<T> q = query;
    Tensor<T> k = key;
    const MassResult r = attention_mass(kCpu, contiguous(1), q, k, nullptr, {0, patches / 2, patches});
    return Hash().add(r.mass).add(r.pooled_keys).of(r.status);
  };
}

Job nucleus_call(cases::Random& random, int64_t longest) {
  const std::vector<int64_t> offsets = cases::ragged(random, 4, longest);
  return [offsets, scores = cases::scores(random, offsets)] {
    const NucleusResult r = nucleus_select(kCpu, nucleus(0, 0.9), scores, offsets);
    return Hash().add(r.mask).add(r.kept_indices).add(r.kept_mass).add(r.flags).of(r.status);
  };
}

template <class T>
Job merge_call(cases::Random& random, int64_t rows) {
  const Tensor<float> keys = cases::matrix<float>(random, rows, 7);
  const Tensor<T> features = cases::matrix<T>(random, rows, 33);
  std::vector<uint8_t> in(static_cast<size_t>(rows), 0);
  in[1] = 1;
  return [keys, features, in, rows] {
    Tensor<float> own_keys = keys;
    Tensor<T> own_features = features;
    const auto r = contextual_merge(kCpu, 0.1, &own_features, own_keys, in, {0, rows / 3, rows});
    return Hash().add(r.merged).add(r.assignment).add(r.kept_counts).of(r.status);
  };
}

Job gather_call(cases::Random& random, int64_t rows) {
  const Tensor<float> source = cases::matrix<float>(random, rows, 17, 2);
  std::vector<int64_t> indices(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    indices[static_cast<size_t>(i)] = rows - 1 - i;
  }
  return [source, indices, rows] {
    Tensor<float> own = source;
    const auto r = gather_rows(kCpu, own, indices, {rows / 2}, {0, rows}, rows);
    return Hash().add(r.packed).add(r.packed_offsets).of(r.status);
  };
}

/** Masses are given, or made of query and key; one of three segments is dropped by stage 1. */
template <class T>
Job prune_call(cases::Random& random, int64_t rows, bool with_query) {
  PruneCase<T> c;
  c.params.nucleus.tau = 0.6;
  c.params.dropped_tokens = 1;
  c.offsets = {0, rows / 3, rows / 2, rows};
  c.segments = {1, 0, 1};
  c.features = cases::matrix<T>(random, rows, 33);
  c.capacity = rows;
  c.with_query = with_query;
  if (with_query) {
    c.query = cases::matrix<T>(random, rows, 2 * 8);
    c.key = cases::matrix<T>(random, rows, 2 * 8);
    c.query.shape = c.key.shape = {rows, 2, 8};
  } else {
    c.keys = cases::matrix<float>(random, rows, 7);
    c.mass = vector_of(cases::scores(random, c.offsets));
    for (float& mass : c.mass.values) {
      mass = fabsf(mass);
    }
  }
  return [c] {
    PruneCase<T> own = c;
    const PruneResult<T> r = prune(kCpu, own);
    return Hash()
        .add(r.packed)
        .add(r.packed_rows)
        .add(r.packed_offsets)
        .add(r.role)
        .add(r.assignment)
        .add(r.kept_mass)
        .add(r.flags)
        .of(r.status);
  };
}

/** Most calls are small; some are large enough to be shared with the pool. */
Job job(int kind) {
  cases::Random random(static_cast<uint64_t>(1000 + kind));
  switch (kind) {
    case 0:
      return anchor_call<uint8_t>(random, 301);
    case 1:
      return anchor_call<float>(random, 301);
    case 2:
      return anchor_call<BF16>(random, 77);
    case 3:
      return mass_call<float>(random, 12);
    case 4:
      return mass_call<F16>(random, 10);
    case 5:
      return nucleus_call(random, 60);
    case 6:
      return merge_call<float>(random, 24);
    case 7:
      return merge_call<BF16>(random, 16);
    case 8:
      return gather_call(random, 20);
    case 9:
      return patches_call<uint8_t>(random, 301);
    case 10:
      return patches_call<float>(random, 77);
    case 11:
      return prune_call<BF16>(random, 24, false);
    case 12:
      return prune_call<float>(random, 12, true);
    case 13:
      return anchor_call<int16_t>(random, 200000);
    case 14:
      return patches_call<F16>(random, 60000);
    case 15:
      return mass_call<float>(random, 300);
    case 16:
      return nucleus_call(random, 20000);
    case 17:
      return merge_call<float>(random, 600);
    default:
      return prune_call<F16>(random, 600, false);
  }
}

constexpr int kSmall = 13;
constexpr int kKinds = 19;
constexpr int64_t kLargeEvery = 2000;

TEST(a_million_calls_from_eight_threads) {
  CHECK_EQUAL(medpruner_set_cpu_threads(4), MEDPRUNER_OK);
  std::vector<Job> jobs;
  uint64_t expected[kKinds];
  for (int kind = 0; kind < kKinds; ++kind) {
    jobs.push_back(job(kind));
    expected[kind] = jobs.back()();
    CHECK(expected[kind] != 0);
  }
  const int64_t each = calls() / kThreads;
  std::atomic<int64_t> wrong{0};
  std::atomic<int> warm{0};
  std::atomic<bool> measured{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t i = 0; i < each; ++i) {
        const int kind = i % kLargeEvery == 0
                             ? kSmall + static_cast<int>((i / kLargeEvery + t) % (kKinds - kSmall))
                             : static_cast<int>((i + t) % kSmall);
        wrong += jobs[static_cast<size_t>(kind)]() == expected[kind] ? 0 : 1;
        if (i == each / 10) {
          ++warm;
          while (!measured) {
            std::this_thread::yield();
          }
        }
      }
    });
  }
  while (warm < kThreads) {
    std::this_thread::yield();
  }
  const int64_t before = resident_bytes();
  measured = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
  const int64_t growth = resident_bytes() - before;
  printf("%lld calls, resident memory %+.1f MB after the first tenth\n",
         static_cast<long long>(each * kThreads), static_cast<double>(growth) / 1e6);
  CHECK_EQUAL(wrong.load(), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(before > 0 && growth < kAllowedGrowth);  // the sanitizer's quarantine grows by design
#endif
}

}  // namespace

int main() { return harness::run_tests(); }
