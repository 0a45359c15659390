package org.medpruner.vlm.gemma;

import org.bytedeco.pytorch.Tensor;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.vlm.EncodedVolume;

/** The visual tokens pruning left of a volume, packed slice by slice, with what it did. */
final class GemmaVolume implements EncodedVolume {
  private final GemmaPipeline owner;
  private final PruningPolicy policy;
  private final Selection selection;
  private final Tensor features;
  private final PruningReport report;
  private boolean closed;

  /**
   * A volume's tokens.
   *
   * @param features [K, hidden], detached from all scopes; owned from now on
   */
  GemmaVolume(
      GemmaPipeline owner,
      PruningPolicy policy,
      Selection selection,
      Tensor features,
      PruningReport report) {
    this.owner = owner;
    this.policy = policy;
    this.selection = selection;
    this.features = features;
    this.report = report;
  }

  GemmaPipeline owner() {
    return owner;
  }

  PruningPolicy policy() {
    return policy;
  }

  Selection selection() {
    return selection;
  }

  Tensor features() {
    if (closed) {
      throw new IllegalStateException("the encoded volume is closed");
    }
    return features;
  }

  @Override
  public PruningReport report() {
    return report;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      features.close();
    }
  }
}
