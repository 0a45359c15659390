package org.medpruner.vlm.gemma;

import org.bytedeco.pytorch.Tensor;
import org.medpruner.Workspace;
import org.medpruner.vlm.pruning.SliceStage;

/** The processed pictures of a volume: what stage 1 compares and the vision encoder sees. */
interface PixelSource extends AutoCloseable {
  /** Number of slices. */
  int count();

  /** Anchors the slices; see {@link SliceStage#run}. */
  SliceStage.Result anchor(double gamma, long maxGap, Workspace workspace);

  /**
   * Pictures for the encoder, in the order asked for.
   *
   * @return normalised, [B, 3, side, side], in the compute type on the model's device; a temporary
   *     of the caller's scope
   */
  Tensor pictures(int[] slices);

  @Override
  void close();
}
