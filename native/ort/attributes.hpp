/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include <optional>
#include <string>
#include <vector>

#include "api.hpp"

namespace medpruner::ort {

/**
 * The attributes of a node. One that is there with another type is an error, not a default.
 *
 * A real number may be a FLOAT, an INT, or a TENSOR of one DOUBLE. A FLOAT with a fraction stands for
 * the shortest decimal that reads as it: 0.6 is the 0.6 of double precision, not 0.60000002384, which would move
 * the threshold tau by more than its tolerance. A TENSOR is taken as it is.
 */
class Attributes {
 public:
  Attributes(const OrtApi& api, const OrtKernelInfo* info) : api_(api), info_(info) {}

  /** Throws when it is missing. */
  double real(const char* name) const;
  double real(const char* name, double fallback) const;
  std::optional<double> maybe_real(const char* name) const;
  int64_t integer(const char* name, int64_t fallback) const;
  /** Empty when it is missing. */
  std::vector<int64_t> integers(const char* name, size_t count) const;
  std::string text(const char* name, const char* fallback) const;

 private:
  std::optional<double> tensor(const char* name) const;
  void refuse_other_types(const char* name, const char* expected) const;
  bool is_of_another_type(const char* name) const;

  const OrtApi& api_;
  const OrtKernelInfo* info_;
};

}  // namespace medpruner::ort
