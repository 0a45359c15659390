package org.medpruner.vlm.engine;

import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.Workspace;
import org.medpruner.vlm.pruning.SliceStage;

/**
 * Processed pictures of one size: what stage 1 compares and the vision encoder sees. Those of one
 * volume, or of several, one after the other.
 */
public interface PixelSource extends AutoCloseable {
  /** Number of slices. */
  int count();

  /** Patches and tokens of each slice. */
  SliceGrid grid();

  /**
   * Anchors the slices of volumes; see {@link SliceStage#run}.
   *
   * @param patchGamma threshold of a patch of {@link #grid}; 0 is off. With it slices are compared
   *     by what the patches cover alone
   * @param bounds slice at which each volume begins, and at which the last one ends
   * @return one per volume
   */
  List<SliceStage.Result> anchor(
      double gamma, long maxGap, double patchGamma, long[] bounds, Workspace workspace);

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
