package org.medpruner.testkit.mutants;

import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.testkit.AttentionMassInput;
import org.medpruner.testkit.AttentionMassOutput;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.ContextualMergeOutput;
import org.medpruner.testkit.GatherRowsInput;
import org.medpruner.testkit.GatherRowsOutput;
import org.medpruner.testkit.NucleusSelectInput;
import org.medpruner.testkit.NucleusSelectOutput;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.PruneInput;
import org.medpruner.testkit.PruneOutput;
import org.medpruner.testkit.SliceAnchorInput;
import org.medpruner.testkit.SliceAnchorOutput;

/**
 * The ops written from the headers a second time, without a look at the specification's Java; with
 * a mutation, wrong in one line.
 */
final class PlainTarget implements ConformanceTarget {
  private final @Nullable Mutation mutation;
  private final PlainAnchor anchor;
  private final PlainMass mass;
  private final PlainNucleus nucleus;
  private final PlainMerge merge;
  private final PlainPacking packing;

  PlainTarget(@Nullable Mutation mutation) {
    this(mutation, false);
  }

  private PlainTarget(@Nullable Mutation mutation, boolean singles) {
    this.mutation = mutation;
    this.anchor = new PlainAnchor(mutation);
    this.mass = new PlainMass(mutation, singles);
    this.nucleus = new PlainNucleus(mutation);
    this.merge = new PlainMerge(mutation);
    this.packing = new PlainPacking(mutation, nucleus, merge);
  }

  /** Right, but with f32 logits and pooled keys whose sums have another order. */
  static PlainTarget ofSingles() {
    return new PlainTarget(null, true);
  }

  @Override
  public String name() {
    return mutation == null ? "plain" : mutation.name();
  }

  @Override
  public boolean supports(Op op, DType dtype) {
    return true;
  }

  @Override
  public SliceAnchorOutput sliceAnchor(SliceAnchorInput input) {
    return anchor.run(input);
  }

  @Override
  public AttentionMassOutput attentionMass(AttentionMassInput input) {
    return mass.run(input);
  }

  @Override
  public NucleusSelectOutput nucleusSelect(NucleusSelectInput input) {
    return nucleus.run(input);
  }

  @Override
  public ContextualMergeOutput contextualMerge(ContextualMergeInput input) {
    return merge.run(input);
  }

  @Override
  public GatherRowsOutput gatherRows(GatherRowsInput input) {
    return packing.gather(input);
  }

  @Override
  public PruneOutput prune(PruneInput input) {
    return packing.prune(input);
  }
}
