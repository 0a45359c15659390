/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "measure.hpp"

namespace {

constexpr char kArithmetic[] = "FLOP/s";

const Ceiling* ceiling_of(const std::vector<Ceiling>& ceilings, const Row& row) {
  for (const Ceiling& c : ceilings) {
    if (c.name == row.ceiling && c.backend == row.backend) {
      return &c;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<double> Results::percent(const Row& row) const {
  const Ceiling* const ceiling = ceiling_of(ceilings, row);
  if (ceiling == nullptr) {
    return std::nullopt;
  }
  const int64_t work = ceiling->unit == kArithmetic ? row.flops : row.bytes;
  return 100 * static_cast<double>(work) / row.seconds.median / ceiling->value;
}

void Results::attempt(const std::function<void()>& body) const {
  try {
    body();
  } catch (const CheckFailed& failure) {
    if (failed) {
      failed(failure.what());
    }
  }
}

void Results::push(Row row) {
  const Ceiling* const ceiling = ceiling_of(ceilings, row);
  const double share = percent(row).value_or(0);
  require(ceiling == nullptr || ceiling->unit != kArithmetic || share <= 100,
          row.op + " " + row.name + ": " + std::to_string(lround(share)) + " % of " + row.ceiling +
              " cannot be: flops count more than was done, or the ceiling was taken while the machine was slower");
  rows.push_back(std::move(row));
  if (seen) {
    seen(rows.back());
  }
}
