/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "medpruner/tensor.h"

namespace medpruner {

/** Null, type and index; true for a CUDA device that is present. */
bool check_device(const char* name, const medpruner_device* device);

}  // namespace medpruner
