/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The CPU backend as the C entries see it. Arguments are checked, offsets included, before any of
// these is called. No allocation.

#include <stddef.h>

#include "common/op_args.hpp"

namespace medpruner::cpu {

size_t slice_anchor_workspace(const SliceAnchorArgs& args);
void slice_anchor(const SliceAnchorArgs& args);

/** Bytes for so many workers; a run uses as many as args.workspace_bytes has room for. */
size_t attention_mass_workspace(const AttentionMassArgs& args, int workers);
void attention_mass(const AttentionMassArgs& args);

size_t nucleus_select_workspace(const NucleusSelectArgs& args);
void nucleus_select(const NucleusSelectArgs& args);

size_t contextual_merge_workspace(const ContextualMergeArgs& args);
void contextual_merge(const ContextualMergeArgs& args);

void gather_rows(const GatherRowsArgs& args);

size_t prune_workspace(const PruneArgs& args, int workers);
/** Fails, before it writes anything, when more rows are kept than fit. */
void prune(const PruneArgs& args);

}  // namespace medpruner::cpu
