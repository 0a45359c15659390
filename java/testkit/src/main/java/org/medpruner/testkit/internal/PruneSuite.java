package org.medpruner.testkit.internal;

import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.SegmentFlags;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.PruneInput;
import org.medpruner.testkit.PruneOutput;

/** Checks of {@code prune} with given masses. */
final class PruneSuite extends OpSuite<PruneInput, PruneOutput> {
  PruneSuite() {
    super(Op.PRUNE);
    bits(
        "packed",
        "The rows that stay, in order, targets with what was merged into them.",
        PruneOutput::packed);
    bits("packed-rows", "Which row of the features each one is.", PruneOutput::packedRows);
    bits("packed-offsets", "Where each segment begins.", PruneOutput::packedOffsets);
    bits("role", "Roles, of dropped segments too.", PruneOutput::role);
    bits("assignment", "The row that stands for each one.", PruneOutput::assignment);
    bits("kept-mass", "As nucleus_select.", PruneOutput::keptMass);
    bits("flags", "The union of the steps' flags.", PruneOutput::flags);
  }

  @Override
  List<TestCase<PruneInput>> cases(DType dtype, long seed, int count) {
    return PruneCases.of(dtype, seed, count);
  }

  @Override
  List<BadInput<PruneInput>> badInputs(DType dtype) {
    Prune.Params params = Prune.Params.of(NucleusSelect.Params.mass(0.5), 0.2);
    float[] mass = {3, 1, 2, 1, 5, 1};
    HostTensor keys = HostTensor.of(new float[18], 6, 3);
    HostTensor features = HostTensor.rounded(dtype, new float[12], 6, 2);
    List<BadInput<PruneInput>> all =
        BadInput.offsets(6, o -> new PruneInput(params, mass, keys, features, o, null, null));
    long[] offsets = {0, 2, 4, 6};
    all.add(
        new BadInput<>(
            "fewer masses than features",
            new PruneInput(params, new float[5], keys, features, offsets, null, null)));
    all.add(
        new BadInput<>(
            "fewer entries than segments",
            new PruneInput(params, mass, keys, features, offsets, new byte[2], null)));
    return all;
  }

  @Override
  boolean flagsBadInput(PruneOutput output) {
    return Fields.anyFlag(output.flags(), SegmentFlags.BAD_OFFSETS);
  }

  @Override
  List<GoldenCase<PruneInput, PruneOutput>> goldens() {
    return PruneGoldens.all();
  }

  @Override
  PruneOutput call(ConformanceTarget target, PruneInput input) {
    return target.prune(input);
  }

  @Override
  long values(PruneInput in) {
    return Math.max(in.features().elements(), in.pooledKeys().elements());
  }

  @Override
  PruneInput take(PruneInput in, Selection s) {
    return new PruneInput(
        in.params(),
        s.of(in.mass()),
        in.pooledKeys().take(s.rows()),
        in.features().take(s.rows()),
        s.offsets(),
        s.ofSegments(in.segments()),
        s.ofVolumes(in.volumes()));
  }

  @Override
  PruneOutput part(PruneInput in, PruneOutput out, int g) {
    int from = (int) in.offsets()[g];
    int to = (int) in.offsets()[g + 1];
    long[] bounds = out.packedOffsets();
    long[] rows = out.packedRows();
    // Without its bounds a segment's packed rows are unknown.
    int first = bounds == null ? 0 : (int) bounds[g];
    int last = bounds == null ? 0 : (int) bounds[g + 1];
    return new PruneOutput(
        bounds == null ? null : Fields.part(out.packed(), first, last),
        bounds == null || rows == null ? null : Ragged.local(rows, first, last, from),
        bounds == null ? null : new long[] {0, last - first},
        Fields.part(out.role(), from, to),
        Fields.local(out.assignment(), from, to),
        Fields.part(out.keptMass(), g, g + 1),
        Fields.part(out.flags(), g, g + 1));
  }

  @Override
  boolean segmentsAreIndependent(PruneInput in) {
    NucleusSelect.Params p = in.params().nucleus();
    return in.volumes() == null && p.volumeMinTokens() == 0 && p.volumeMaxTokens() == 0;
  }

  @Override
  Stream<PruneInput> simpler(PruneInput in) {
    Stream.Builder<PruneInput> all = Stream.builder();
    if (in.volumes() != null) {
      all.add(with(in, in.mass(), in.pooledKeys(), in.features(), in.segments()));
    }
    if (in.segments() != null) {
      all.add(with(in, in.mass(), in.pooledKeys(), in.features(), null));
    }
    for (int c : Fields.fewer(in.features().columns())) {
      all.add(with(in, in.mass(), in.pooledKeys(), in.features().narrow(c), in.segments()));
    }
    for (int d : Fields.fewer(in.pooledKeys().columns())) {
      all.add(with(in, in.mass(), in.pooledKeys().narrow(d), in.features(), in.segments()));
    }
    if (in.volumes() != null) {
      return all.build();
    }
    return Stream.of(
            all.build(),
            Fields.plainer(in.mass())
                .map(v -> with(in, v, in.pooledKeys(), in.features(), in.segments())),
            Fields.plainer(in.features())
                .map(t -> with(in, in.mass(), in.pooledKeys(), t, in.segments())),
            Fields.plainer(in.pooledKeys())
                .map(t -> with(in, in.mass(), t, in.features(), in.segments())))
        .flatMap(s -> s);
  }

  /** As one volume. */
  private static PruneInput with(
      PruneInput in,
      float[] mass,
      HostTensor keys,
      HostTensor features,
      byte @Nullable [] segments) {
    return new PruneInput(in.params(), mass, keys, features, in.offsets(), segments, null);
  }

  @Override
  String describe(PruneInput in) {
    return in.params()
        + ", offsets "
        + Fields.text(in.offsets())
        + ", segments "
        + Fields.text(in.segments())
        + ", volumes "
        + Fields.text(in.volumes())
        + ", mass "
        + Fields.text(in.mass())
        + ", keys "
        + in.pooledKeys()
        + ", features "
        + in.features();
  }
}
