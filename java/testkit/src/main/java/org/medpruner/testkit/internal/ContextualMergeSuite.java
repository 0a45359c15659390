package org.medpruner.testkit.internal;

import java.util.List;
import java.util.stream.Stream;
import org.medpruner.ContextualMerge;
import org.medpruner.DType;
import org.medpruner.SegmentFlags;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.ContextualMergeOutput;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.internal.Fields.Field;

/** Checks of {@code contextual_merge}. */
final class ContextualMergeSuite extends OpSuite<ContextualMergeInput, ContextualMergeOutput> {
  ContextualMergeSuite() {
    super(Op.CONTEXTUAL_MERGE);
    bits(
        "role",
        "Targets are taken from the rest with a uniform stride, max(trunc(ratio * n), 1) at most.",
        ContextualMergeOutput::role);
    bits(
        "assignment",
        "The rest goes to the target with the highest cosine similarity, ties to the lowest.",
        ContextualMergeOutput::assignment);
    bits(
        "merged",
        "A target gains the mean of those assigned to it, summed in f32 in ascending order and"
            + " rounded once; all other rows are copied bit for bit.",
        ContextualMergeOutput::merged);
    tolerance(
        "merged-close",
        "The same within 1e-5 (f32), 2^-10 (f16) or 2^-7 (bf16), relative above 1: where"
            + " this holds and merged does not, only the order of additions is another.",
        ContextualMergeSuite::close);
    bits(
        "kept-lists",
        "Nucleus and target rows ascend from offsets[g] on, then -1; their number is kept_counts.",
        List.of(
            new Field<>("keptIndices", ContextualMergeOutput::keptIndices),
            new Field<>("keptCounts", ContextualMergeOutput::keptCounts)));
    bits(
        "flags",
        "ZERO_KEY where a token of the rest has a key of zero or non-finite norm.",
        ContextualMergeOutput::flags);
  }

  private static Finding close(
      ContextualMergeInput input, ContextualMergeOutput expected, ContextualMergeOutput actual) {
    HostTensor e = expected.merged();
    HostTensor a = actual.merged();
    if (e == null || a == null) {
      return Finding.bits("merged", e, a);
    }
    double tolerance =
        switch (e.dtype()) {
          case F32 -> 1e-5;
          case F16 -> 0x1p-10;
          default -> 0x1p-7;
        };
    return Finding.close("merged", e.values(), a.values(), tolerance, 1);
  }

  @Override
  List<TestCase<ContextualMergeInput>> cases(DType dtype, long seed, int count) {
    return ContextualMergeCases.of(dtype, seed, count);
  }

  @Override
  List<BadInput<ContextualMergeInput>> badInputs(DType dtype) {
    ContextualMerge.Params params = new ContextualMerge.Params(0.3);
    HostTensor features = HostTensor.rounded(dtype, new float[12], 6, 2);
    HostTensor keys = HostTensor.of(new float[18], 6, 3);
    byte[] nucleus = {0, 1, 0, 0, 1, 0};
    List<BadInput<ContextualMergeInput>> all =
        BadInput.offsets(6, o -> new ContextualMergeInput(params, features, keys, nucleus, o));
    long[] offsets = {0, 2, 4, 6};
    all.add(
        new BadInput<>(
            "fewer keys than features",
            new ContextualMergeInput(
                params, features, HostTensor.of(new float[15], 5, 3), nucleus, offsets)));
    all.add(
        new BadInput<>(
            "a shorter nucleus",
            new ContextualMergeInput(params, features, keys, new byte[5], offsets)));
    return all;
  }

  @Override
  boolean flagsBadInput(ContextualMergeOutput output) {
    return Fields.anyFlag(output.flags(), SegmentFlags.BAD_OFFSETS);
  }

  @Override
  List<GoldenCase<ContextualMergeInput, ContextualMergeOutput>> goldens() {
    return ContextualMergeGoldens.all();
  }

  @Override
  ContextualMergeOutput call(ConformanceTarget target, ContextualMergeInput input) {
    return target.contextualMerge(input);
  }

  @Override
  long values(ContextualMergeInput in) {
    return Math.max(in.features().elements(), in.keys().elements());
  }

  @Override
  ContextualMergeInput take(ContextualMergeInput in, Selection s) {
    return new ContextualMergeInput(
        in.params(),
        in.features().take(s.rows()),
        in.keys().take(s.rows()),
        s.of(in.nucleus()),
        s.offsets());
  }

  @Override
  ContextualMergeOutput part(ContextualMergeInput in, ContextualMergeOutput out, int g) {
    int from = (int) in.offsets()[g];
    int to = (int) in.offsets()[g + 1];
    return new ContextualMergeOutput(
        Fields.part(out.merged(), from, to),
        Fields.part(out.role(), from, to),
        Fields.local(out.assignment(), from, to),
        Fields.local(out.keptIndices(), from, to),
        Fields.part(out.keptCounts(), g, g + 1),
        Fields.part(out.flags(), g, g + 1));
  }

  @Override
  Stream<ContextualMergeInput> simpler(ContextualMergeInput in) {
    Stream<ContextualMergeInput> narrower =
        Stream.concat(
            Fields.fewer(in.features().columns()).stream()
                .map(c -> with(in, in.features().narrow(c), in.keys())),
            Fields.fewer(in.keys().columns()).stream()
                .map(c -> with(in, in.features(), in.keys().narrow(c))));
    Stream<ContextualMergeInput> plainer =
        Stream.concat(
            Fields.plainer(in.features()).map(t -> with(in, t, in.keys())),
            Fields.plainer(in.keys()).map(t -> with(in, in.features(), t)));
    return Stream.concat(narrower, plainer);
  }

  private static ContextualMergeInput with(
      ContextualMergeInput in, HostTensor features, HostTensor keys) {
    return new ContextualMergeInput(in.params(), features, keys, in.nucleus(), in.offsets());
  }

  @Override
  String describe(ContextualMergeInput in) {
    return in.params()
        + ", offsets "
        + Fields.text(in.offsets())
        + ", nucleus "
        + Fields.text(in.nucleus())
        + ", keys "
        + in.keys()
        + ", features "
        + in.features();
  }
}
