/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/slice_anchor/shorts.cuh"
#include "cuda/slice_anchor/windows.cuh"

namespace medpruner::cuda {

template <>
int64_t chunk_blocks<int16_t>(const SliceAnchorArgs& args) {
  return (args.cols - 1) / ShortPairs::kBlockValues + 1;
}

template <>
void run_chunk_windows<int16_t>(const SliceAnchorArgs& args, const AnchorWorkspace& workspace, unsigned blocks,
                                bool list_last, void* stream) {
  const int alignment = row_alignment<int16_t>(args);
  const bool waits = waits_itself("anchor_short_window", anchor_short_window);
  for (int64_t first = 0; first < args.rows; first += ShortWindow::kWindow) {
    const bool list = list_last && first + ShortWindow::kWindow >= args.rows;
    MEDPRUNER_LAUNCH_DEPENDENT(waits, anchor_short_window, blocks, ShortWindow::kThreads, 0, stream,
                               args, workspace, first, alignment, list);
  }
}

MEDPRUNER_WINDOWS(, int16_t);

}  // namespace medpruner::cuda
