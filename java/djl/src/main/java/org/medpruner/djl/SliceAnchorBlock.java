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
 * slices [K, ...] in the same data type and their indices, INT64 [K]. With {@link #withOffsets} it
 * takes and gives several volumes. K depends on the contents; {@link #getOutputShapes} has the most
 * it can be, D. Immutable; any number of threads.
 */
public final class SliceAnchorBlock extends AbstractBlock {
  private static final byte VERSION = 1;

  private final SliceAnchor.Params params;
  private final boolean offsets;

  /**
   * A block of one setting.
   *
   * @param params without {@link SliceAnchor.Params#decideOnly}, which {@code forward} refuses
   */
  public SliceAnchorBlock(SliceAnchor.Params params) {
    this(params, false);
  }

  private SliceAnchorBlock(SliceAnchor.Params params, boolean offsets) {
    super(VERSION);
    this.params = params;
    this.offsets = offsets;
  }

  /**
   * Takes the slices of several volumes and, INT64 [V + 1], where each begins, and gives as a third
   * output where each begins among the kept ones: {@link PruneBlock}'s volumes.
   *
   * @return another block, this one is unchanged
   */
  public SliceAnchorBlock withOffsets() {
    return new SliceAnchorBlock(params, true);
  }

  /** {@inheritDoc} */
  @Override
  protected NDList forwardInternal(
      ParameterStore parameterStore,
      NDList inputs,
      boolean training,
      @Nullable PairList<String, Object> options) {
    if (inputs.size() != (offsets ? 2 : 1)) {
      throw new IllegalArgumentException(
          "inputs: "
              + inputs.size()
              + " arrays, but must be slices"
              + (offsets ? ", offsets" : ""));
    }
    NDArray volume = inputs.get(0);
    SliceAnchor.Result result =
        offsets
            ? NdSliceAnchor.apply(volume, inputs.get(1), params)
            : NdSliceAnchor.apply(volume, params);
    long[] kept = Arrays.stream(result.keptIndices()).asLongStream().toArray();
    NDArray indices = volume.getManager().create(kept);
    indices.setName("indices");
    NDArray slices = volume.get(indices);
    slices.setName("slices");
    NDList outputs = new NDList(slices, indices);
    if (offsets) {
      outputs.add(among(kept, inputs.get(1)));
    }
    return outputs;
  }

  /** Where each volume begins among the kept slices. */
  private static NDArray among(long[] kept, NDArray offsets) {
    long[] begins = offsets.toLongArray();
    // A volume's first slice is always kept; an empty volume begins where the next one does.
    for (int v = 0; v < begins.length; v++) {
      int at = Arrays.binarySearch(kept, begins[v]);
      begins[v] = at < 0 ? -at - 1 : at;
    }
    NDArray result = offsets.getManager().create(begins);
    result.setName("offsets");
    return result;
  }

  /** {@inheritDoc} */
  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    Shape depth = new Shape(inputShapes[0].get(0));
    return offsets
        ? new Shape[] {inputShapes[0], depth, inputShapes[1]}
        : new Shape[] {inputShapes[0], depth};
  }
}
