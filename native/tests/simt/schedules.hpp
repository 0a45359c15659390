/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Runs of one op call under many schedules, and what they have in common in the op tests.

#include <array>

#include "cases.hpp"
#include "executor/executor.hpp"
#include "harness.hpp"

namespace schedules {

constexpr uint32_t kBad = MEDPRUNER_SEGMENT_BAD_OFFSETS;

/** MEDPRUNER_SIMT_SCHEDULES=20 runs each body under 20 times as many schedules; unset, 1. */
inline int multiplier() {
  static const int times =
      static_cast<int>(harness::number_from("MEDPRUNER_SIMT_SCHEDULES", 1, 1, 1000000));
  return times;
}

/** Of so many memory accesses threads give way at one; 0: at synchronisation only. */
constexpr std::array<uint32_t, 3> kPreemptions = {0, 200, 16};

/**
 * body() under `count` seeds times multiplier(), from `first` on; three take every rate. Stops at the first that
 * fails and names it.
 */
template <class Body>
void each(int count, Body body, int first = 1) {
  for (int seed = first; seed < first + count * multiplier(); ++seed) {
    simt::options() = {};
    simt::options().seed = static_cast<uint64_t>(seed);
    simt::options().preemption = kPreemptions[static_cast<size_t>(seed) % kPreemptions.size()];
    simt::clear_fault();
    const int before = harness::failures();
    body();
    CHECK_SAME(std::vector<char>(simt::fault_text().begin(), simt::fault_text().end()),
               std::vector<char>());
    if (harness::failures() != before) {
      fprintf(stderr, "schedule %d: %s\n", seed, simt::fault_text().c_str());
      break;
    }
  }
  simt::options() = {};
}

/** 0xCD in elements [begin, end): what an output holds that nothing wrote. */
template <class T>
void untouched(std::vector<T>& values, int64_t begin, int64_t end) {
  if (begin < end) {
    memset(&values[static_cast<size_t>(begin)], 0xCD, static_cast<size_t>(end - begin) * sizeof(T));
  }
}

/** A boundary of good offsets put out of range: the segments on both sides are bad, no other is. */
struct Spoilt {
  std::vector<int64_t> offsets;
  int64_t segment;     // and the one after it
  int64_t begin, end;  // the rows of both, by the good offsets
};

inline Spoilt spoil(cases::Random& random, const std::vector<int64_t>& good) {
  Spoilt spoilt;
  spoilt.offsets = good;
  const int64_t last = static_cast<int64_t>(good.size()) - 1;
  const int64_t k = cases::integer(random, 1, last - 1);
  const size_t at = static_cast<size_t>(k);
  spoilt.segment = k - 1;
  spoilt.begin = good[at - 1];
  spoilt.end = good[at + 1];
  const std::vector<int64_t> wrong = {-1, good.back() + 1, INT64_MAX, INT64_MIN};
  spoilt.offsets[at] = wrong[static_cast<size_t>(cases::integer(random, 0, 3))];
  return spoilt;
}

/** main(): the tests, then how much the executor did; a run that checked nothing fails. */
inline int run() {
  const int result = harness::run_tests();
  const simt::Counters& c = simt::counters();
  printf("%llu launches, %llu blocks, %llu threads, %llu switches, %llu checked accesses\n",
         static_cast<unsigned long long>(c.launches), static_cast<unsigned long long>(c.blocks),
         static_cast<unsigned long long>(c.threads), static_cast<unsigned long long>(c.switches),
         static_cast<unsigned long long>(c.accesses));
  return c.accesses > 0 && c.switches > 0 ? result : EXIT_FAILURE;
}

}  // namespace schedules
