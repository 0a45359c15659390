package org.medpruner.vlm.engine;

import org.bytedeco.pytorch.Tensor;
import org.medpruner.Workspace;
import org.medpruner.vlm.pruning.SliceStage;

/** The processed pictures of a volume: what stage 1 compares and the vision encoder sees. */
public interface PixelSource extends AutoCloseable {
  /** Number of slices. */
  int count();

  /** Patches and tokens of each slice. */
  SliceGrid grid();

  /**
   * Anchors the slices; see {@link SliceStage#run}.
   *
   * @param patchGamma threshold of a patch of {@link #grid}; 0 is off
   */
  SliceStage.Result anchor(double gamma, long maxGap, double patchGamma, Workspace workspace);

  /**
   * Pictures for the encoder, in the order asked for.
   *
   * @return normalised, B slices in the layout the family's encoder takes, in the compute type on
   *     the model's device; a temporary of the caller's scope
   */
  Tensor pictures(int[] slices);

  @Override
  void close();
}
