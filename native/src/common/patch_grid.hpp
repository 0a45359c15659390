/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The patches of slice_anchor.h, and a patch's distance as a number that has a maximum.

#include <stdint.h>

#include "common/dtype.hpp"
#include "common/hd.hpp"

namespace medpruner {

struct PatchGrid {
  int64_t planes, height, width;
  int64_t patch_height, patch_width;

  MEDPRUNER_HD int64_t rows() const { return (height - 1) / patch_height + 1; }
  MEDPRUNER_HD int64_t columns() const { return (width - 1) / patch_width + 1; }

  /** Rows of values in the patches of row r of the grid, and columns in those of column c. */
  MEDPRUNER_HD int64_t height_of(int64_t r) const { return least(patch_height, height - r * patch_height); }
  MEDPRUNER_HD int64_t width_of(int64_t c) const { return least(patch_width, width - c * patch_width); }

  /** First value of the patches of row r in a plane, and the first one past them: they follow each other. */
  MEDPRUNER_HD int64_t band_begin(int64_t plane, int64_t r) const {
    return (plane * height + r * patch_height) * width;
  }
  MEDPRUNER_HD int64_t band_end(int64_t plane, int64_t r) const {
    return band_begin(plane, r) + height_of(r) * width;
  }

  /** Values of patch (r, c) in all planes. */
  MEDPRUNER_HD int64_t values(int64_t r, int64_t c) const {
    return planes * height_of(r) * width_of(c);
  }

 private:
  MEDPRUNER_HD static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
};

/**
 * Distance and index of a patch in one integer whose maximum is that of the distance, then of the lowest
 * index: distances are +0 or greater, their bits ascend with them, and the one NaN is above infinity.
 */
using PatchKey = uint64_t;
constexpr PatchKey kNoPatch = 0;

MEDPRUNER_HD inline PatchKey patch_key(float distance, int64_t index) {
  return static_cast<uint64_t>(float_to_bits(distance)) << 32 |
         (0xffffffffu - static_cast<uint32_t>(index));
}

MEDPRUNER_HD inline float patch_distance(PatchKey key) {
  return bits_to_float(static_cast<uint32_t>(key >> 32));
}

MEDPRUNER_HD inline int32_t patch_index(PatchKey key) {
  return static_cast<int32_t>(0xffffffffu - static_cast<uint32_t>(key));
}

}  // namespace medpruner
