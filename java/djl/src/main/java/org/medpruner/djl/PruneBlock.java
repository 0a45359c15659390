package org.medpruner.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.AttentionMass;
import org.medpruner.Prune;

/**
 * Prunes between an encoder and a decoder, as a block without parameters:
 *
 * {@snippet :
 * var model = new SequentialBlock()
 *     .add(encoder) // features [G, T, C], query and key [G, P, H, d] of its last layer
 *     .add(PruneBlock.byAttention(params, AttentionMass.Params.of(pooling)))
 *     .add(decoder); // packed [K, C], rows, offsets, role, assignment
 * }
 *
 * <p>Inputs and outputs are those of {@link NdPrune}, without the batch that a {@link
 * ai.djl.translate.Batchifier} makes: give translators none. {@link #withOffsets}, {@link
 * #withSegments} and {@link #withVolumes} make a block that takes further inputs, in that order
 * after the first three. K depends on the contents; {@link #getOutputShapes} has the most it can
 * be. There is no gradient through it: what comes before it is not trained, what comes after is.
 * Immutable; any number of threads.
 */
public final class PruneBlock extends AbstractBlock {
  private static final byte VERSION = 1;

  private final Prune.Params params;
  private final AttentionMass.@Nullable Params attention;
  private final boolean offsets;
  private final boolean segments;
  private final boolean volumes;

  private PruneBlock(
      Prune.Params params,
      AttentionMass.@Nullable Params attention,
      boolean offsets,
      boolean segments,
      boolean volumes) {
    super(VERSION);
    this.params = params;
    this.attention = attention;
    this.offsets = offsets;
    this.segments = segments;
    this.volumes = volumes;
  }

  /**
   * A block that takes (features, mass, keys), as {@link NdPrune#byMass} does.
   *
   * @param params selection and merging
   * @return a block that gives (packed, rows, offsets, role, assignment)
   */
  public static PruneBlock byMass(Prune.Params params) {
    return new PruneBlock(params, null, false, false, false);
  }

  /**
   * A block that takes (features, query, key), as {@link NdPrune#byAttention} does.
   *
   * @param params selection and merging
   * @param attention how patches become tokens, and the scale of the logits
   * @return a block that gives (packed, rows, offsets, role, assignment)
   */
  public static PruneBlock byAttention(Prune.Params params, AttentionMass.Params attention) {
    return new PruneBlock(params, attention, false, false, false);
  }

  /**
   * Also takes where each slice begins; the first three inputs are then without the dimension of
   * the slices.
   *
   * @return another block, this one is unchanged
   */
  public PruneBlock withOffsets() {
    return new PruneBlock(params, attention, true, segments, volumes);
  }

  /**
   * Also takes which slices stage 1 kept.
   *
   * @return another block, this one is unchanged
   */
  public PruneBlock withSegments() {
    return new PruneBlock(params, attention, offsets, true, volumes);
  }

  /**
   * Also takes where each volume begins.
   *
   * @return another block, this one is unchanged
   */
  public PruneBlock withVolumes() {
    return new PruneBlock(params, attention, offsets, segments, true);
  }

  /** The inputs, for messages. */
  private List<String> inputs() {
    List<String> names = new ArrayList<>(List.of("features"));
    names.addAll(attention == null ? List.of("mass", "keys") : List.of("query", "key"));
    if (offsets) {
      names.add("offsets");
    }
    if (segments) {
      names.add("segments");
    }
    if (volumes) {
      names.add("volumes");
    }
    return names;
  }

  private void checkCount(int count) {
    List<String> expected = inputs();
    if (count != expected.size()) {
      throw new IllegalArgumentException(
          "inputs: " + count + " arrays, but must be " + String.join(", ", expected));
    }
  }

  /** {@inheritDoc} */
  @Override
  protected NDList forwardInternal(
      ParameterStore parameterStore,
      NDList inputs,
      boolean training,
      @Nullable PairList<String, Object> options) {
    checkCount(inputs.size());
    Iterator<NDArray> next = inputs.iterator();
    NDArray features = next.next();
    NDArray first = next.next();
    NDArray second = next.next();
    NDArray begins = offsets ? next.next() : null;
    NDArray kept = segments ? next.next() : null;
    NDArray of = volumes ? next.next() : null;
    NdPrune.Result result =
        attention == null
            ? NdPrune.byMass(params, features, first, second, begins, kept, of)
            : NdPrune.byAttention(params, attention, features, first, second, begins, kept, of);
    return result.arrays();
  }

  /** {@inheritDoc} */
  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    Shape features = inputShapes[0];
    return offsets ? ragged(features, inputShapes) : even(features);
  }

  /** Of tokens that offsets divide. */
  private Shape[] ragged(Shape features, Shape[] inputShapes) {
    checkCount(inputShapes.length);
    if (features.dimension() != 2) {
      throw new IllegalArgumentException(
          "features: have shape " + features + ", but must be [tokens, channels]");
    }
    Shape tokens = new Shape(features.get(0));
    return new Shape[] {features, tokens, inputShapes[3], tokens, tokens};
  }

  private static Shape[] even(Shape features) {
    int rank = features.dimension();
    if (rank != 2 && rank != 3) {
      throw new IllegalArgumentException(
          "features: have shape " + features + ", but must be [slices, tokens, channels]");
    }
    long slices = rank == 2 ? 1 : features.get(0);
    long tokens = features.get(rank - 2);
    // Unknown extents are -1 in DJL.
    boolean known = slices >= 0 && tokens >= 0;
    long most = known ? Math.multiplyExact(slices, tokens) : -1;
    Shape each = new Shape(slices, tokens);
    return new Shape[] {
      new Shape(most, features.get(rank - 1)),
      new Shape(most),
      new Shape(slices < 0 ? -1 : slices + 1),
      each,
      each
    };
  }
}
