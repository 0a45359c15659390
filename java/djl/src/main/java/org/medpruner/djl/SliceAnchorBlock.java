package org.medpruner.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.medpruner.SliceAnchor;

/**
 * Drops slices that differ little from the last kept one, before an encoder sees them; a block
 * without parameters. Takes a volume [D, ...] as {@link NdSliceAnchor} does, and gives its kept
 * slices [K, ...] in the same data type and their indices, INT64 [K]. K depends on the contents;
 * {@link #getOutputShapes} has the most it can be, D. Any number of threads.
 */
public final class SliceAnchorBlock extends AbstractBlock {
  private static final byte VERSION = 1;

  private final SliceAnchor.Params params;

  /**
   * A block of one setting.
   *
   * @param params without {@link SliceAnchor.Params#decideOnly}, which {@code forward} refuses
   */
  public SliceAnchorBlock(SliceAnchor.Params params) {
    super(VERSION);
    this.params = params;
  }

  /** {@inheritDoc} */
  @Override
  protected NDList forwardInternal(
      ParameterStore parameterStore,
      NDList inputs,
      boolean training,
      @Nullable PairList<String, Object> options) {
    NDArray volume = inputs.singletonOrThrow();
    int[] kept = NdSliceAnchor.apply(volume, params).keptIndices();
    NDArray indices = volume.getManager().create(Arrays.stream(kept).asLongStream().toArray());
    indices.setName("indices");
    NDArray slices = volume.get(indices);
    slices.setName("slices");
    return new NDList(slices, indices);
  }

  /** {@inheritDoc} */
  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return new Shape[] {inputShapes[0], new Shape(inputShapes[0].get(0))};
  }
}
