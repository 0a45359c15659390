/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Inputs of contextual_merge for the tests of its CUDA kernels, on a GPU and on the SIMT executor.

#include "cases.hpp"

namespace merge_cases {

template <class T>
struct Case {
  double ratio = 0;
  Tensor<float> keys;
  Tensor<T> features;
  std::vector<uint8_t> nucleus;
  std::vector<int64_t> offsets;
};

/** In place: in a copy of the features. */
template <class T>
MergeResult<T> merge(medpruner_device device, Case<T>& c, bool in_place = false) {
  Tensor<T> copy;
  if (in_place) {
    copy = c.features;
  }
  return contextual_merge(device, c.ratio, in_place ? &copy : &c.features, c.keys, c.nucleus, c.offsets, in_place);
}

/** Every ratio, zero keys, strides, nuclei of no token to all; every fourth round rows of whole vectors. */
template <class T>
Case<T> random_case(cases::Random& random, int round, int64_t longest, int64_t widest, int64_t most_channels) {
  Case<T> c;
  c.ratio = std::vector<double>{0, 0.05, 0.3, 1}[static_cast<size_t>(round % 4)];
  c.offsets = cases::ragged(random, cases::integer(random, 1, 4), longest);
  const int64_t rows = c.offsets.back();
  c.keys = cases::matrix<float>(random, rows, cases::integer(random, 1, widest), round % 3,
                                static_cast<uint64_t>(round % 2));
  for (size_t i = 0; i < c.keys.values.size(); i += 3) {
    c.keys.values[i] = round % 5 == 0 ? 0.0f : c.keys.values[i];
  }
  const int64_t channels = round % 4 == 2 ? 264 : cases::integer(random, 1, most_channels);
  c.features = cases::matrix<T>(random, rows, channels, round % 2);
  c.nucleus = cases::mask(random, rows, round % 11);
  return c;
}

/** Components of a key: units of four and single ones, one span of them and several. */
inline const std::vector<int64_t> kKeyWidths = {4, 95, 96, 97, 100, 196};

/** Keys of one of those widths, `offset` values from an aligned address; several groups of targets. */
inline Case<float> keys_of_width(cases::Random& random, int64_t width, uint64_t offset) {
  Case<float> c;
  c.ratio = 0.6;
  c.offsets = {0, 77, 80};
  c.keys = cases::matrix<float>(random, 80, width, width % 2 == 0 ? 4 : 3, offset);
  c.features = cases::matrix<float>(random, 80, 1);
  c.nucleus = cases::mask(random, 80, 1);
  return c;
}

/** Channels of rows in units of 16 bytes: the last are more units than a block has threads. */
inline const std::vector<int64_t> kWideRows = {8, 16, 520 * 8};

/** Rows of so many channels, and more members of a target than a thread has in flight. */
template <class T>
Case<T> rows_of_width(cases::Random& random, int64_t channels) {
  Case<T> c;
  c.ratio = 0.05;
  c.offsets = {0, 33, 40};
  c.keys = cases::matrix<float>(random, 40, 8);
  c.features = cases::matrix<T>(random, 40, channels);
  c.nucleus = cases::mask(random, 40, 2);
  return c;
}

}  // namespace merge_cases
