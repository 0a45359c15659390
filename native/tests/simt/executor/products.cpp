/* SPDX-License-Identifier: Apache-2.0 */
// Warpgroup products: started by every thread, worked out for a warp when its last lane waits for their group.
// What they read of shared memory they read then, so whatever overwrites it before the wait shows.

#include <math.h>
#include <string.h>

#include <vector>

#include "common/dtype.hpp"
#include "executor/image.hpp"
#include "executor/memory.hpp"
#include "executor/scheduler.hpp"

namespace simt {
namespace {

constexpr int kRows = 64;  // of a and of b

struct Product {
  float* c;
  SharedMatrix a, b;
  bool add, bf16;
  Site site;
};
using Group = std::vector<Product>;

struct Products {
  Group open;
  std::vector<Group> committed;  // and not yet waited for
};
std::vector<Products> g_products;  // by thread, for those up to the highest that multiplied

Products& of(const Thread& thread) {
  const size_t id = static_cast<size_t>(thread.slot);
  if (g_products.size() <= id) {
    g_products.resize(id + 1);
  }
  return g_products[id];
}

float value(bool bf16, uint16_t bits) {
  return bf16 ? medpruner::to_float(medpruner::BFloat{bits}) : medpruner::to_float(medpruner::Half{bits});
}

const char* unit_of(const SharedMatrix& b, int row, int unit) {
  const char* const from = b.start + unit * b.unit_stride + row / 8 * b.group_stride;
  if (!b.swizzled) {
    return from + row % 8 * 16;
  }
  // The hardware works on the address itself: bits 4 to 6 are changed by bits 7 to 9.
  const uintptr_t address = reinterpret_cast<uintptr_t>(from + row % 8 * 128);
  return reinterpret_cast<const char*>(address ^ (address >> 7 & 7) << 4);
}

/** Rows [first, first + count) of 16 values. */
void read_rows(const SharedMatrix& matrix, int first, int count, bool bf16, Site site, float (*to)[16]) {
  for (int row = first; row < first + count; ++row) {
    for (int unit = 0; unit < 2; ++unit) {
      const char* from = unit_of(matrix, row, unit);
      check_access(reinterpret_cast<uintptr_t>(from), 16, 16, Access::kRead, place_of(site));
      for (int k = 0; k < 8; ++k) {
        uint16_t bits = 0;
        memcpy(&bits, from + k * 2, 2);
        to[row - first][unit * 8 + k] = value(bf16, bits);
      }
    }
  }
}

bool same(const SharedMatrix& a, const SharedMatrix& b) {
  return a.start == b.start && a.unit_stride == b.unit_stride && a.group_stride == b.group_stride &&
         a.swizzled == b.swizzled;
}

/** Product `index` of the warp's oldest group; sums as mma's, see tensor.cpp. */
void multiply(Thread* lanes, size_t index) {
  const Product first = of(lanes[0]).committed.front()[index];
  for (int l = 1; l < 32; ++l) {
    const Product& product = of(lanes[l]).committed.front()[index];
    if (!same(product.a, first.a) || !same(product.b, first.b) || product.add != first.add ||
        product.bf16 != first.bf16) {
      fault("lanes of a warp started different products at " + where(product.site));
      return;
    }
  }
  float a[16][16];
  float b[kRows][16];
  read_rows(first.a, lanes[0].warp % 4 * 16, 16, first.bf16, first.site, a);
  read_rows(first.b, 0, kRows, first.bf16, first.site, b);
  for (int l = 0; l < 32; ++l) {
    float* const c = of(lanes[l]).committed.front()[index].c;
    for (int i = 0; i < 32; ++i) {
      const int row = l / 4 + i / 2 % 2 * 8;
      const int column = i / 4 * 8 + l % 4 * 2 + i % 2;
      float sum = first.add ? c[i] : 0.0f;
      for (int k = 0; k < 16; ++k) {
        sum += a[row][k] * b[column][k];
      }
      c[i] = sum;
    }
  }
}

}  // namespace

void begin_products() { g_products.clear(); }

void check_no_products_left() {
  const size_t id = static_cast<size_t>(g_launch.current->slot);
  if (g_products.size() > id && !(g_products[id].open.empty() && g_products[id].committed.empty())) {
    fault("unfinished product: the thread ends and nothing waited for it");
  }
}

void start_product(float (&c)[32], const SharedMatrix& a, const SharedMatrix& b, bool add, bool bf16,
                   Site site) {
  const Inside inside;
  for (const SharedMatrix& matrix : {a, b}) {
    if (!in_shared_memory(reinterpret_cast<uintptr_t>(matrix.start)) || matrix.unit_stride % 16 != 0 ||
        matrix.group_stride % 16 != 0 || reinterpret_cast<uintptr_t>(matrix.start) % 16 != 0) {
      fault("warpgroup_multiply of a matrix that is not in shared memory, in units of 16 bytes, at " +
            where(site));
    }
    if (matrix.swizzled && reinterpret_cast<uintptr_t>(matrix.start) % 1024 >= 128) {
      fault("warpgroup_multiply of a swizzled matrix that does not start at a multiple of 1024 bytes, at " +
            where(site));
    }
  }
  of(*g_launch.current).open.push_back({c, a, b, add, bf16, site});
  for (float& sum : c) {
    sum = NAN;  // not there yet
  }
}

void commit_products() {
  const Inside inside;
  Products& products = of(*g_launch.current);
  products.committed.push_back(std::move(products.open));
  products.open.clear();
}

void wait_for_products(int groups, Site site) {
  warp_collective(Collective::kWaitForProducts, 0xffffffffu, 0, groups, 32, site);
}

void finish_products(Thread* lanes) {
  const size_t keep = static_cast<size_t>(lanes[0].argument);
  for (int l = 1; l < 32; ++l) {
    if (of(lanes[l]).committed.size() != of(lanes[0]).committed.size() ||
        lanes[l].argument != lanes[0].argument) {
      fault("lanes of a warp wait for different products at " + where(lanes[l].site));
      return;
    }
  }
  while (of(lanes[0]).committed.size() > keep) {
    for (size_t i = 0; i < of(lanes[0]).committed.front().size(); ++i) {
      multiply(lanes, i);
    }
    for (int l = 0; l < 32; ++l) {
      std::vector<Group>& committed = of(lanes[l]).committed;
      committed.erase(committed.begin());
    }
  }
}

}  // namespace simt
