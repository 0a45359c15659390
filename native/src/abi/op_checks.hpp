/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Checks of single ops that prune, which is made of them, needs too.

#include "abi/tensor_check.hpp"
#include "medpruner/attention_mass.h"
#include "medpruner/contextual_merge.h"
#include "medpruner/nucleus_select.h"

namespace medpruner {

/** Params, query and key of attention_mass, and all that follows from them. */
AttentionMassArgs check_query_key(Checker& checker, const medpruner_attention_mass_params* params,
                                  const medpruner_tensor* query, const medpruner_tensor* key);

/** Params of nucleus_select. */
NucleusSelectArgs check_nucleus_params(const medpruner_nucleus_select_params* params);

/** Params of contextual_merge. */
ContextualMergeArgs check_merge_params(const medpruner_contextual_merge_params* params);

}  // namespace medpruner
