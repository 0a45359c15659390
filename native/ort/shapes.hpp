/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include <optional>
#include <string>
#include <vector>

#include "api.hpp"

namespace medpruner::ort {

/** An extent as a graph knows it before it runs: a number, or a name. */
struct Extent {
  int64_t value;     // -1: only the name is known
  std::string name;  // may be empty, then nothing is known

  bool known() const { return value >= 0; }
};

/** Shape inference of one node. Only required outputs may be set: others may not be there. */
class ShapeCall {
 public:
  ShapeCall(const OrtApi& api, OrtShapeInferContext* context) : api_(api), context_(context) {}

  /** None when the input is absent or its rank unknown. */
  std::optional<std::vector<Extent>> input(size_t index) const;
  /** The element type of an input; UNDEFINED when it is absent. */
  ONNXTensorElementDataType element(size_t index) const;
  void output(size_t index, ONNXTensorElementDataType type, std::vector<Extent> shape) const;

  int64_t integer(const char* attribute, int64_t fallback) const;
  std::vector<int64_t> integers(const char* attribute) const;

  /** An extent that depends on data: a name that nothing else has, since equal names mean equal extents. */
  static Extent fresh();
  /** Of a number; a fresh name where it is none. */
  static Extent divided(const Extent& extent, int64_t by);

 private:
  const OrtTensorTypeAndShapeInfo* info(size_t index) const;

  const OrtApi& api_;
  OrtShapeInferContext* context_;
};

}  // namespace medpruner::ort
