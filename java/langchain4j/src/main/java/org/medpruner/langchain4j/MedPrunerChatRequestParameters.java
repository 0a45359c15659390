package org.medpruner.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.volume.VolumeReading;

/**
 * LangChain4j's parameters and MedPruner's. A field that is null is left to the model's defaults,
 * which are the {@code paper} preset and the likeliest token always. Immutable.
 *
 * <p>Of LangChain4j's are supported: temperature, top-p and top-k (without a temperature above 0
 * the likeliest token is taken), the most output tokens, stop sequences.
 */
public final class MedPrunerChatRequestParameters extends DefaultChatRequestParameters {
  private final @Nullable PruningPolicy policy;
  private final @Nullable VolumeReading reading;
  private final @Nullable Long seed;
  private final @Nullable Double repetitionPenalty;

  private MedPrunerChatRequestParameters(Builder builder) {
    super(builder);
    policy = builder.policy;
    reading = builder.reading;
    seed = builder.seed;
    repetitionPenalty = builder.repetitionPenalty;
  }

  /** {@return how volumes are pruned; null leaves it to the model's defaults} */
  public @Nullable PruningPolicy policy() {
    return policy;
  }

  /** {@return how volumes are read; null leaves it to the model's defaults} */
  public @Nullable VolumeReading reading() {
    return reading;
  }

  /** {@return seed of the draws when there is a temperature; null leaves it to the defaults, 0} */
  public @Nullable Long seed() {
    return seed;
  }

  /** {@return penalty of tokens that occurred, above 0; null leaves it to the defaults, 1} */
  public @Nullable Double repetitionPenalty() {
    return repetitionPenalty;
  }

  @Override
  public MedPrunerChatRequestParameters overrideWith(ChatRequestParameters that) {
    return builder().overrideWith(this).overrideWith(that).build();
  }

  @Override
  public MedPrunerChatRequestParameters defaultedBy(ChatRequestParameters that) {
    return builder().overrideWith(that).overrideWith(this).build();
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return super.equals(o)
        && o instanceof MedPrunerChatRequestParameters that
        && Objects.equals(policy, that.policy)
        && Objects.equals(reading, that.reading)
        && Objects.equals(seed, that.seed)
        && Objects.equals(repetitionPenalty, that.repetitionPenalty);
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), policy, reading, seed, repetitionPenalty);
  }

  @Override
  public String toString() {
    return "MedPrunerChatRequestParameters{"
        + super.toString()
        + (", policy=" + policy + ", reading=" + reading)
        + (", seed=" + seed + ", repetitionPenalty=" + repetitionPenalty + "}");
  }

  /** {@return a builder with nothing set} */
  public static Builder builder() {
    return new Builder();
  }

  /** Builds the parameters. */
  public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
    private @Nullable PruningPolicy policy;
    private @Nullable VolumeReading reading;
    private @Nullable Long seed;
    private @Nullable Double repetitionPenalty;

    private Builder() {}

    @Override
    public Builder overrideWith(ChatRequestParameters that) {
      super.overrideWith(that);
      if (that instanceof MedPrunerChatRequestParameters own) {
        policy = own.policy == null ? policy : own.policy;
        reading = own.reading == null ? reading : own.reading;
        seed = own.seed == null ? seed : own.seed;
        repetitionPenalty =
            own.repetitionPenalty == null ? repetitionPenalty : own.repetitionPenalty;
      }
      return this;
    }

    /**
     * Sets how to prune.
     *
     * @param value a preset, or one derived from it, as {@code PAPER.withGamma(0.03)}; null leaves
     *     it to the model's defaults
     * @return this
     */
    public Builder policy(@Nullable PruningPolicy value) {
      policy = value;
      return this;
    }

    /**
     * Sets how to prune, by the preset's name.
     *
     * @param name one of {@link PruningPolicy#presetNames}
     * @return this
     * @throws IllegalArgumentException if there is none of this name
     */
    public Builder preset(String name) {
      return policy(PruningPolicy.preset(name));
    }

    /**
     * Sets how to read volumes.
     *
     * @param value null leaves it to the model's defaults
     * @return this
     */
    public Builder reading(@Nullable VolumeReading value) {
      reading = value;
      return this;
    }

    /**
     * Sets the seed of the draws; without a temperature there are none.
     *
     * @param value null leaves it to the model's defaults
     * @return this
     */
    public Builder seed(@Nullable Long value) {
      seed = value;
      return this;
    }

    /**
     * Sets the penalty of tokens that occurred in the prompt or the answer.
     *
     * @param value above 0, at most 100; 1 for none; null leaves it to the model's defaults.
     *     Another is refused with the request
     * @return this
     */
    public Builder repetitionPenalty(@Nullable Double value) {
      repetitionPenalty = value;
      return this;
    }

    @Override
    public MedPrunerChatRequestParameters build() {
      return new MedPrunerChatRequestParameters(this);
    }
  }
}
