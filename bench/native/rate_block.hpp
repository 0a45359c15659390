/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

// What the kernels of rate_kernels.cuh and warpgroup_rate.cuh have in common.

namespace rates {

constexpr int kThreads = 256;            // of a block
constexpr uint32_t kOnes = 0x3f803f80u;  // two bf16

}  // namespace rates
