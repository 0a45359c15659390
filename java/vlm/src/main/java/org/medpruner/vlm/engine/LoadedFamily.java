package org.medpruner.vlm.engine;

import java.nio.file.Path;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.checkpoint.GenerationConfig;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.Weights;

/** A family whose networks are made of the weights of one checkpoint folder. */
public abstract class LoadedFamily implements ModelFamily {
  private final Weights weights;
  private final Decoder decoder;
  private final GenerationConfig generation;
  private final ModelInfo info;

  /**
   * What every family holds.
   *
   * @param architecture as {@code config.json} names it
   * @param imageSize as in {@link ModelInfo}
   * @param tokensPerSlice as in {@link ModelInfo}
   * @param weights closed with this object
   * @param decoder made of these weights
   */
  protected LoadedFamily(
      Path folder,
      String architecture,
      int imageSize,
      int tokensPerSlice,
      GenerationConfig generation,
      Weights weights,
      Decoder decoder) {
    this.weights = weights;
    this.decoder = decoder;
    this.generation = generation;
    info =
        new ModelInfo(
            folder.toString(),
            architecture,
            weights.parameters(),
            weights.storageType().name(),
            decoder.computeName(),
            weights.cuda() ? "cuda:0" : "cpu",
            imageSize,
            tokensPerSlice,
            decoder.config().contextLength());
  }

  @Override
  public final ModelInfo info() {
    return info;
  }

  @Override
  public final Decoder decoder() {
    return decoder;
  }

  @Override
  public final GenerationConfig generation() {
    return generation;
  }

  @Override
  public final void close() {
    weights.close();
  }
}
