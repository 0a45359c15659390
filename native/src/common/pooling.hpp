/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/op_args.hpp"

namespace medpruner {

/** Member m of token j's patches, both counted within a segment; see attention_mass.h. */
MEDPRUNER_HD inline int64_t pooled_patch(const AttentionMassArgs& args, int64_t token,
                                         int64_t member) {
  if (!args.grid) {
    return token * args.pool + member;
  }
  const int64_t across = args.grid_w / args.block_w;
  const int64_t top = token / across * args.block_h + member / args.block_w;
  const int64_t left = token % across * args.block_w + member % args.block_w;
  return top * args.grid_w + left;
}

}  // namespace medpruner
