/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cuda/attention_mass/attention_mass.cuh"

namespace medpruner::cuda {

/** Whether warpgroup_pass() is compiled in and takes these tensors on a device of this compute capability. */
bool takes_warpgroups(const AttentionMassArgs& args, int compute_capability);

/** Stationary rows of a block. */
int warpgroup_block_rows();

/** A pass of K2; columns: pass 2. */
void warpgroup_pass(const AttentionMassArgs& args, const MassWorkspace& workspace, float factor,
                    unsigned blocks, bool columns, void* stream);

}  // namespace medpruner::cuda
