package org.medpruner.testkit.targets;

import org.medpruner.DType;
import org.medpruner.oracle.AttentionMassOracle;
import org.medpruner.oracle.ContextualMergeOracle;
import org.medpruner.oracle.GatherRowsOracle;
import org.medpruner.oracle.NucleusSelectOracle;
import org.medpruner.oracle.PruneOracle;
import org.medpruner.oracle.SliceAnchorOracle;
import org.medpruner.testkit.AttentionMassInput;
import org.medpruner.testkit.AttentionMassOutput;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.ContextualMergeOutput;
import org.medpruner.testkit.GatherRowsInput;
import org.medpruner.testkit.GatherRowsOutput;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.NucleusSelectInput;
import org.medpruner.testkit.NucleusSelectOutput;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.PruneInput;
import org.medpruner.testkit.PruneOutput;
import org.medpruner.testkit.SliceAnchorInput;
import org.medpruner.testkit.SliceAnchorOutput;

/**
 * The plain-Java specification as a target: what every other one is compared with. It checks no
 * input.
 */
public final class OracleTarget implements ConformanceTarget {
  /** Without state. */
  public OracleTarget() {}

  @Override
  public String name() {
    return "org.medpruner.oracle";
  }

  @Override
  public boolean supports(Op op, DType dtype) {
    return true;
  }

  @Override
  public SliceAnchorOutput sliceAnchor(SliceAnchorInput in) {
    HostTensor t = in.slices();
    int size = t.columns();
    SliceAnchorOracle.Result r =
        switch (t.dtype()) {
          case U8 -> SliceAnchorOracle.run(in.params(), t.bytes(), size, in.offsets());
          case I16 -> SliceAnchorOracle.run(in.params(), t.shorts(), size, in.offsets());
          default -> SliceAnchorOracle.run(in.params(), t.values(), size, in.offsets());
        };
    boolean patches = in.params().patches() != null;
    return new SliceAnchorOutput(
        r.keep(),
        r.distance(),
        r.representative(),
        r.keptIndices(),
        r.keptCounts(),
        r.flags(),
        patches ? r.patchDistance() : null,
        patches ? r.patchIndex() : null);
  }

  @Override
  public AttentionMassOutput attentionMass(AttentionMassInput in) {
    AttentionMassOracle.Result r =
        AttentionMassOracle.run(
            in.params(),
            in.query().values(),
            in.key().values(),
            in.lse(),
            in.query().size(1),
            in.query().size(2),
            in.offsets());
    return new AttentionMassOutput(floats(r.mass()), floats(r.pooledKeys()), r.flags());
  }

  private static float[] floats(double[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = (float) values[i];
    }
    return rounded;
  }

  @Override
  public NucleusSelectOutput nucleusSelect(NucleusSelectInput in) {
    NucleusSelectOracle.Result r =
        NucleusSelectOracle.run(in.params(), in.scores(), in.offsets(), in.volumes());
    return new NucleusSelectOutput(
        r.mask(), r.keptIndices(), r.keptCounts(), r.keptMass(), r.flags());
  }

  @Override
  public ContextualMergeOutput contextualMerge(ContextualMergeInput in) {
    ContextualMergeOracle.Result r =
        ContextualMergeOracle.assign(
            in.params(), in.keys().floats(), in.keys().columns(), in.nucleus(), in.offsets());
    return new ContextualMergeOutput(
        merged(in.features(), r),
        r.role(),
        r.assignment(),
        r.keptIndices(),
        r.keptCounts(),
        r.flags());
  }

  private static HostTensor merged(HostTensor t, ContextualMergeOracle.Result r) {
    int c = t.columns();
    return switch (t.dtype()) {
      case F32 -> HostTensor.of(ContextualMergeOracle.merge(t.floats(), c, r), t.shape());
      case F16 ->
          HostTensor.of(t.dtype(), ContextualMergeOracle.mergeF16(t.shorts(), c, r), t.shape());
      default ->
          HostTensor.of(t.dtype(), ContextualMergeOracle.mergeBf16(t.shorts(), c, r), t.shape());
    };
  }

  @Override
  public GatherRowsOutput gatherRows(GatherRowsInput in) {
    int rowBytes = in.source().columns() * in.dtype().byteSize();
    GatherRowsOracle.Result r =
        GatherRowsOracle.run(
            in.source().bytes(), rowBytes, in.indices(), in.counts(), in.offsets());
    int total = (int) r.packedOffsets()[in.counts().length];
    return new GatherRowsOutput(
        HostTensor.ofBytes(in.dtype(), r.packed(), total, in.source().columns()),
        r.packedOffsets(),
        new int[in.counts().length]);
  }

  @Override
  public PruneOutput prune(PruneInput in) {
    PruneOracle.Result r =
        PruneOracle.select(
            in.params(),
            in.mass(),
            in.pooledKeys().floats(),
            in.pooledKeys().columns(),
            in.offsets(),
            in.segments(),
            in.volumes());
    return new PruneOutput(
        packed(in.features(), r),
        r.packedRows(),
        r.packedOffsets(),
        r.merge().role(),
        r.merge().assignment(),
        r.keptMass(),
        r.flags());
  }

  private static HostTensor packed(HostTensor t, PruneOracle.Result r) {
    int c = t.columns();
    int total = r.packedRows().length;
    return switch (t.dtype()) {
      case F32 -> HostTensor.of(PruneOracle.pack(t.floats(), c, r), total, c);
      case F16 -> HostTensor.of(t.dtype(), PruneOracle.packF16(t.shorts(), c, r), total, c);
      default -> HostTensor.of(t.dtype(), PruneOracle.packBf16(t.shorts(), c, r), total, c);
    };
  }
}
