package org.medpruner.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;

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

  /** How volumes are pruned. */
  public @Nullable PruningPolicy policy() {
    return policy;
  }

  /** How volumes are read. */
  public @Nullable VolumeReading reading() {
    return reading;
  }

  /** Seed of the draws when there is a temperature; 0 if null. */
  public @Nullable Long seed() {
    return seed;
  }

  /** Penalty of tokens that occurred, above 0; 1 if null. */
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

  /** Nothing set. */
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

    /** How to prune: a preset, or one derived from it, as {@code PAPER.withGamma(0.03)}. */
    public Builder policy(@Nullable PruningPolicy value) {
      policy = value;
      return this;
    }

    /**
     * How to prune, by the preset's name.
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    public Builder preset(String name) {
      return policy(PruningPolicy.preset(name));
    }

    /** How to read volumes. */
    public Builder reading(@Nullable VolumeReading value) {
      reading = value;
      return this;
    }

    /** Seed of the draws. */
    public Builder seed(@Nullable Long value) {
      seed = value;
      return this;
    }

    /** Penalty of tokens that occurred. */
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
