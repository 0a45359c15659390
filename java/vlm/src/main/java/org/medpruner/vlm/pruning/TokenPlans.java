package org.medpruner.vlm.pruning;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.DroppedSlice;
import org.medpruner.Workspace;

/**
 * Makes stage 2's memory and plans. On CUDA it keeps the last few for volumes of the same extents:
 * from their second use on they replay a recorded graph. On the CPU nothing is recorded and memory
 * goes back at once.
 *
 * <p>Thread-safe; {@link #close} while a stage is open leaves its memory to the stage.
 */
public final class TokenPlans implements AutoCloseable {
  /** Each holds twice the features of a batch of volumes: 84 MB for 85 slices of MedGemma 4B. */
  private static final int KEPT_ON_CUDA = 4;

  private final Workspace workspace;
  private final int most;
  // The last used one first.
  private final Deque<TokenPlan> idle = new ArrayDeque<>();
  private boolean closed;

  /**
   * No plans yet.
   *
   * @param workspace of the device to run on, for the attention mass; not owned
   */
  public TokenPlans(Workspace workspace) {
    this.workspace = workspace;
    this.most = workspace.device().isCuda() ? KEPT_ON_CUDA : 0;
  }

  /**
   * An empty stage; the caller closes it.
   *
   * @param policy tau, score, temperature (&gt; 0), ratio, floors and caps, and what a dropped
   *     slice leaves
   * @param headDim d, width of the encoder's attention heads
   * @param width C, of a token's features
   * @param type of the features
   */
  public TokenStage stage(
      PruningPolicy policy, TokenStage.Slices slices, long headDim, long width, ScalarType type) {
    TokenStage.Slices kept = slices.keptOnly();
    boolean bounds = policy.volumeMinTokens() > 0 || policy.volumeMaxTokens() > 0;
    if (!bounds || kept.count() == slices.count() || kept.count() == 0) {
      return stage(policy, null, slices, headDim, width, type);
    }
    // The op's floors and caps are of all slices it is given. Dropped ones are pruned for what they
    // leave and for the report; they must not use up what the language model is to get.
    PruningPolicy free = policy.toBuilder().volumeMinTokens(0).volumeMaxTokens(0).build();
    TokenStage bounded = stage(policy, null, kept, headDim, width, type);
    boolean ok = false;
    try {
      TokenStage stage = stage(free, bounded, slices, headDim, width, type);
      ok = true;
      return stage;
    } finally {
      if (!ok) {
        bounded.close();
      }
    }
  }

  private TokenStage stage(
      PruningPolicy policy,
      @Nullable TokenStage bounded,
      TokenStage.Slices slices,
      long headDim,
      long width,
      ScalarType type) {
    TokenPlan.Extents extents =
        new TokenPlan.Extents(
            params(policy),
            slices.tokens(),
            slices.count(),
            slices.volumes().length - 1,
            headDim,
            width,
            type.intern());
    TokenPlan plan = take(extents);
    boolean ok = false;
    try {
      TokenStage stage = new TokenStage(this, plan, bounded, slices, workspace);
      ok = true;
      return stage;
    } finally {
      if (!ok) {
        plan.close();
      }
    }
  }

  private synchronized TokenPlan take(TokenPlan.Extents extents) {
    for (Iterator<TokenPlan> i = idle.iterator(); i.hasNext(); ) {
      TokenPlan plan = i.next();
      if (plan.extents.equals(extents)) {
        i.remove();
        return plan;
      }
    }
    return new TokenPlan(workspace.device(), extents);
  }

  /** Takes back what {@link #stage} lent. */
  synchronized void give(TokenPlan plan) {
    idle.addFirst(plan);
    while (idle.size() > (closed ? 0 : most)) {
      idle.removeLast().close();
    }
  }

  private static Prune.Params params(PruningPolicy policy) {
    NucleusSelect.Params nucleus =
        new NucleusSelect.Params(
            policy.score(),
            policy.tau(),
            policy.temperature(),
            policy.minTokens(),
            policy.maxTokens(),
            policy.volumeMinTokens(),
            policy.volumeMaxTokens());
    return Prune.Params.of(nucleus, policy.contextualRatio())
        .withDroppedTokens(policy.droppedSlice() == DroppedSlice.CORNER_TOKEN ? 1 : 0);
  }

  /** Frees what is kept. Idempotent. */
  @Override
  public synchronized void close() {
    closed = true;
    while (!idle.isEmpty()) {
      idle.removeLast().close();
    }
  }
}
