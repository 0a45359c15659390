package org.medpruner.vlm.engine;

import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.vlm.EncodedVolume;

/** The visual tokens pruning left of a volume, packed slice by slice, with what it did. */
public final class PrunedVolume implements EncodedVolume {
  private final Pipeline owner;
  private final PruningPolicy policy;
  private final Selection selection;
  private final SliceGrid grid;
  private final PackedTokens tokens;
  private final PruningReport report;
  private final Lifetime lifetime;

  /**
   * A volume's tokens.
   *
   * @param tokens detached from all scopes; owned from now on
   */
  PrunedVolume(
      Pipeline owner,
      PruningPolicy policy,
      Selection selection,
      SliceGrid grid,
      PackedTokens tokens,
      PruningReport report) {
    this.owner = owner;
    this.policy = policy;
    this.selection = selection;
    this.grid = grid;
    this.tokens = tokens;
    this.report = report;
    this.lifetime = new Lifetime("the encoded volume", tokens::close);
  }

  Pipeline owner() {
    return owner;
  }

  /** The policy as resolved for the model. */
  public PruningPolicy policy() {
    return policy;
  }

  /** What stays of every slice. */
  public Selection selection() {
    return selection;
  }

  /** Patches and tokens of a slice. */
  public SliceGrid grid() {
    return grid;
  }

  /** The tokens themselves; they belong to this volume and end with {@link #close}. */
  public PackedTokens tokens() {
    lifetime.check();
    return tokens;
  }

  /** When the tokens are freed. */
  Lifetime lifetime() {
    return lifetime;
  }

  @Override
  public PruningReport report() {
    return report;
  }

  @Override
  public void close() {
    lifetime.close();
  }
}
