package org.medpruner.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport;

/**
 * What a response says beyond its text: LangChain4j's fields, and what pruning did to the volume
 * that was asked about. Immutable.
 *
 * {@snippet :
 * var metadata = (MedPrunerChatResponseMetadata) response.metadata();
 * System.out.println(metadata.report().rates().overall());
 * }
 */
public final class MedPrunerChatResponseMetadata extends ChatResponseMetadata {
  private final PruningReport report;
  private final String audit;
  private final int unprunedInputTokenCount;

  private MedPrunerChatResponseMetadata(Builder builder) {
    super(builder);
    report = Objects.requireNonNull(builder.report, "report");
    audit = Objects.requireNonNull(builder.audit, "audit");
    unprunedInputTokenCount = builder.unprunedInputTokenCount;
  }

  /** {@return what was kept of the volume, what it saved and how long each stage took} */
  public PruningReport report() {
    return report;
  }

  /**
   * {@return the audit record of this answer: JSON as {@code docs/audit.schema.json} describes it}
   */
  public String audit() {
    return audit;
  }

  /** {@return input tokens that the same conversation has without pruning} */
  public int unprunedInputTokenCount() {
    return unprunedInputTokenCount;
  }

  @Override
  public Builder toBuilder() {
    Builder builder = builder();
    super.toBuilder(builder);
    return builder.pruning(report, audit, unprunedInputTokenCount);
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return super.equals(o)
        && o instanceof MedPrunerChatResponseMetadata that
        && audit.equals(that.audit)
        && unprunedInputTokenCount == that.unprunedInputTokenCount;
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), audit, unprunedInputTokenCount);
  }

  /** Without the record, which may have 150 kB. */
  @Override
  public String toString() {
    return "MedPrunerChatResponseMetadata{"
        + super.toString()
        + (", rates=" + report.rates() + ", unprunedInputTokenCount=" + unprunedInputTokenCount)
        + "}";
  }

  /** {@return a builder with nothing set; {@link Builder#pruning} is required} */
  public static Builder builder() {
    return new Builder();
  }

  /** Builds metadata, for copies and for tests of applications. */
  public static final class Builder extends ChatResponseMetadata.Builder<Builder> {
    private @Nullable PruningReport report;
    private @Nullable String audit;
    private int unprunedInputTokenCount;

    private Builder() {}

    /**
     * Sets what pruning did.
     *
     * @param report of the volume that was asked about
     * @param audit JSON as {@code docs/audit.schema.json} describes it; not checked
     * @param unprunedInputTokenCount input tokens of the same conversation without pruning
     * @return this
     */
    public Builder pruning(PruningReport report, String audit, int unprunedInputTokenCount) {
      this.report = report;
      this.audit = audit;
      this.unprunedInputTokenCount = unprunedInputTokenCount;
      return this;
    }

    @Override
    public MedPrunerChatResponseMetadata build() {
      return new MedPrunerChatResponseMetadata(this);
    }
  }
}
