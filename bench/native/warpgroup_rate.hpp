/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cuda_clock.hpp"

namespace cuda_clock {

/** As time_products(), on a device of compute capability 9.0. */
Rate time_warpgroup_products(int runs, void* stream);

}  // namespace cuda_clock
