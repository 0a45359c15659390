/* SPDX-License-Identifier: Apache-2.0 */
// ldmatrix and mma as collectives of a warp. Every lane brings the address of its operands, which lie on
// its stack; the last one to arrive computes for all.

#include <string.h>

#include "common/dtype.hpp"
#include "executor/image.hpp"
#include "executor/memory.hpp"
#include "executor/scheduler.hpp"

namespace simt {
namespace {

constexpr unsigned kWholeWarp = 0xffffffffu;

struct Rows {
  const void* row;
  uint32_t* values;
};

struct Fragments {
  const uint32_t* a;
  uint32_t b[2];
  float* c;
};

template <class Operands>
const Operands& operands(const Thread& lane) {
  return *reinterpret_cast<const Operands*>(lane.value);
}

void load_matrices(const Thread* lanes) {
  for (int matrix = 0; matrix < 4; ++matrix) {
    for (int l = 0; l < 32; ++l) {
      const auto* row = static_cast<const char*>(operands<Rows>(lanes[matrix * 8 + l / 4]).row);
      memcpy(&operands<Rows>(lanes[l]).values[matrix], row + l % 4 * 4, 4);
    }
  }
}

float value(bool bf16, uint32_t pair, int half) {
  const uint16_t bits = static_cast<uint16_t>(pair >> 16 * half);
  return bf16 ? medpruner::to_float(medpruner::BFloat{bits})
              : medpruner::to_float(medpruner::Half{bits});
}

/**
 * Products are exact in f32 (but for bf16 beyond its range) and are added one by one in ascending order of
 * the component, rounded to nearest. A GPU adds groups of them at once and truncates; how is not documented.
 */
void multiply(const Thread* lanes, bool bf16) {
  float a[16][16];
  float b[16][8];
  for (int l = 0; l < 32; ++l) {
    const Fragments& f = operands<Fragments>(lanes[l]);
    const int group = l / 4;
    for (int half = 0; half < 2; ++half) {
      const int pair = l % 4 * 2 + half;
      for (int r = 0; r < 4; ++r) {
        a[group + r % 2 * 8][pair + r / 2 * 8] = value(bf16, f.a[r], half);
      }
      b[pair][group] = value(bf16, f.b[0], half);
      b[pair + 8][group] = value(bf16, f.b[1], half);
    }
  }
  for (int l = 0; l < 32; ++l) {
    float* c = operands<Fragments>(lanes[l]).c;
    for (int i = 0; i < 4; ++i) {
      const int row = l / 4 + i / 2 * 8;
      const int column = l % 4 * 2 + i % 2;
      for (int k = 0; k < 16; ++k) {
        c[i] += a[row][k] * b[k][column];
      }
    }
  }
}

}  // namespace

void finish_matrix(Thread* lanes) {
  if (lanes[0].operation == Collective::kWaitForProducts) {
    finish_products(lanes);
  } else if (lanes[0].operation == Collective::kLoadMatrices) {
    load_matrices(lanes);
  } else {
    multiply(lanes, lanes[0].operation == Collective::kMmaBF16);
  }
}

void warp_load_matrices(uint32_t (&values)[4], const void* row, Site site) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(row);
  {
    const Inside inside;
    if (!in_shared_memory(address)) {
      fault("ldmatrix_x4 reads outside shared memory at " + where(site));
    }
    check_access(address, 16, 16, Access::kRead, place_of(site));
  }
  const Rows mine = {row, values};
  warp_collective(Collective::kLoadMatrices, kWholeWarp, reinterpret_cast<uintptr_t>(&mine), 0, 32,
                  site);
}

void warp_mma(Collective operation, float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1,
              Site site) {
  const Fragments mine = {a, {b0, b1}, c};
  warp_collective(operation, kWholeWarp, reinterpret_cast<uintptr_t>(&mine), 0, 32, site);
}

}  // namespace simt
