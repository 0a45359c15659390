package org.medpruner.djl;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
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
 * ai.djl.translate.Batchifier} makes: give translators none. K depends on the contents; {@link
 * #getOutputShapes} has the most it can be. There is no gradient through it: what comes before it
 * is not trained, what comes after is. Any number of threads.
 */
public final class PruneBlock extends AbstractBlock {
  private static final byte VERSION = 1;

  private final Prune.Params params;
  private final AttentionMass.@Nullable Params attention;

  private PruneBlock(Prune.Params params, AttentionMass.@Nullable Params attention) {
    super(VERSION);
    this.params = params;
    this.attention = attention;
  }

  /**
   * A block that takes (features, mass, keys), as {@link NdPrune#byMass} does.
   *
   * @param params selection and merging
   * @return a block that gives (packed, rows, offsets, role, assignment)
   */
  public static PruneBlock byMass(Prune.Params params) {
    return new PruneBlock(params, null);
  }

  /**
   * A block that takes (features, query, key), as {@link NdPrune#byAttention} does.
   *
   * @param params selection and merging
   * @param attention how patches become tokens, and the scale of the logits
   * @return a block that gives (packed, rows, offsets, role, assignment)
   */
  public static PruneBlock byAttention(Prune.Params params, AttentionMass.Params attention) {
    return new PruneBlock(params, attention);
  }

  /** {@inheritDoc} */
  @Override
  protected NDList forwardInternal(
      ParameterStore parameterStore,
      NDList inputs,
      boolean training,
      @Nullable PairList<String, Object> options) {
    if (inputs.size() != 3) {
      throw new IllegalArgumentException(
          "inputs: "
              + inputs.size()
              + " arrays, but must be features, "
              + (attention == null ? "mass, keys" : "query, key"));
    }
    NdPrune.Result result =
        attention == null
            ? NdPrune.byMass(params, inputs.get(0), inputs.get(1), inputs.get(2))
            : NdPrune.byAttention(params, attention, inputs.get(0), inputs.get(1), inputs.get(2));
    return result.arrays();
  }

  /** {@inheritDoc} */
  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    Shape features = inputShapes[0];
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
