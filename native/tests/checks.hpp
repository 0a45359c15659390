/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// When two results of an op are the same: bit for bit, and the masses of two backends within what attention_mass.h promises.

#include <math.h>

#include <algorithm>

#include "harness.hpp"
#include "ops.hpp"

/** What DECIDE_ONLY leaves of check_same(). */
inline void check_same_decisions(const AnchorResult& actual, const AnchorResult& expected) {
  CHECK_EQUAL(actual.status, MEDPRUNER_OK);
  CHECK_SAME(actual.keep.values, expected.keep.values);
  CHECK_SAME(actual.representative.values, expected.representative.values);
  CHECK_SAME(actual.kept_indices.values, expected.kept_indices.values);
  CHECK_SAME(actual.kept_counts.values, expected.kept_counts.values);
}

inline void check_same(const AnchorResult& actual, const AnchorResult& expected) {
  check_same_decisions(actual, expected);
  CHECK_SAME(actual.distance.values, expected.distance.values);
  CHECK_SAME(actual.patch_distance.values, expected.patch_distance.values);
  CHECK_SAME(actual.patch_index.values, expected.patch_index.values);
  CHECK_SAME(actual.flags.values, expected.flags.values);
}

inline void check_same(const MassResult& actual, const MassResult& expected) {
  CHECK_EQUAL(actual.status, MEDPRUNER_OK);
  CHECK_SAME(actual.mass.values, expected.mass.values);
  CHECK_SAME(actual.pooled_keys.values, expected.pooled_keys.values);
  CHECK_SAME(actual.flags.values, expected.flags.values);
}

/** Within 1e-5, relative; a NaN is like a NaN alone, an infinity like itself alone. */
inline bool is_close(float actual, float expected) {
  if (!isfinite(actual) || !isfinite(expected)) {
    return isnan(expected) ? isnan(actual) : actual == expected;
  }
  return fabsf(actual - expected) / std::max(1e-3f, fabsf(expected)) < 1e-5f;
}

inline void check_close(const std::vector<float>& actual, const std::vector<float>& expected) {
  CHECK_EQUAL(actual.size(), expected.size());
  for (size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
    CHECK(is_close(actual[i], expected[i]));
  }
}

inline void check_close(const MassResult& actual, const MassResult& expected) {
  CHECK_EQUAL(actual.status, MEDPRUNER_OK);
  check_close(actual.mass.values, expected.mass.values);
  check_close(actual.pooled_keys.values, expected.pooled_keys.values);
  CHECK_SAME(actual.flags.values, expected.flags.values);
}

inline void check_same(const NucleusResult& actual, const NucleusResult& expected) {
  CHECK_EQUAL(actual.status, MEDPRUNER_OK);
  CHECK_SAME(actual.mask.values, expected.mask.values);
  CHECK_SAME(actual.kept_indices.values, expected.kept_indices.values);
  CHECK_SAME(actual.kept_counts.values, expected.kept_counts.values);
  CHECK_SAME(actual.kept_mass.values, expected.kept_mass.values);
  CHECK_SAME(actual.flags.values, expected.flags.values);
}

/** All but the merged features. */
template <class T>
void check_same_roles(const MergeResult<T>& actual, const MergeResult<T>& expected) {
  CHECK_EQUAL(actual.status, MEDPRUNER_OK);
  CHECK_SAME(actual.role.values, expected.role.values);
  CHECK_SAME(actual.assignment.values, expected.assignment.values);
  CHECK_SAME(actual.kept_indices.values, expected.kept_indices.values);
  CHECK_SAME(actual.kept_counts.values, expected.kept_counts.values);
  CHECK_SAME(actual.flags.values, expected.flags.values);
}

template <class T>
void check_same(const MergeResult<T>& actual, const MergeResult<T>& expected) {
  check_same_roles(actual, expected);
  CHECK_SAME(actual.merged.values, expected.merged.values);
}

template <class T>
void check_same(const GatherResult<T>& actual, const GatherResult<T>& expected) {
  CHECK_EQUAL(actual.status, MEDPRUNER_OK);
  CHECK_SAME(actual.packed.values, expected.packed.values);
  CHECK_SAME(actual.packed_offsets.values, expected.packed_offsets.values);
  CHECK_SAME(actual.flags.values, expected.flags.values);
}

template <class T>
void check_same(const PruneResult<T>& actual, const PruneResult<T>& expected) {
  CHECK_EQUAL(actual.status, MEDPRUNER_OK);
  CHECK_SAME(actual.mass.values, expected.mass.values);
  CHECK_SAME(actual.pooled_keys.values, expected.pooled_keys.values);
  CHECK_SAME(actual.role.values, expected.role.values);
  CHECK_SAME(actual.assignment.values, expected.assignment.values);
  CHECK_SAME(actual.kept_mass.values, expected.kept_mass.values);
  CHECK_SAME(actual.flags.values, expected.flags.values);
  CHECK_SAME(actual.packed_offsets.values, expected.packed_offsets.values);
  CHECK_SAME(actual.packed_rows.values, expected.packed_rows.values);
  CHECK_SAME(actual.packed.values, expected.packed.values);
}
