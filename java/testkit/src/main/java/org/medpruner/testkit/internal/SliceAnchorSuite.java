package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.SegmentFlags;
import org.medpruner.SliceAnchor;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.Rule;
import org.medpruner.testkit.SliceAnchorInput;
import org.medpruner.testkit.SliceAnchorOutput;
import org.medpruner.testkit.internal.Fields.Field;

/** Checks of {@code slice_anchor}. */
final class SliceAnchorSuite extends OpSuite<SliceAnchorInput, SliceAnchorOutput> {
  private final List<OutputRule<SliceAnchorInput, SliceAnchorOutput>> outputs = new ArrayList<>();

  SliceAnchorSuite() {
    super(Op.SLICE_ANCHOR);
    add("keep", "A slice stays when its distance exceeds (float) gamma.", SliceAnchorOutput::keep);
    add("distance", "Distances have the bits of the canonical sum.", SliceAnchorOutput::distance);
    add(
        "representative",
        "A kept slice names itself, a dropped one its anchor.",
        SliceAnchorOutput::representative);
    add(
        "kept-lists",
        "Kept slices ascend from offsets[g] on, then -1; their number is kept_counts.",
        List.of(
            new Field<>("keptIndices", SliceAnchorOutput::keptIndices),
            new Field<>("keptCounts", SliceAnchorOutput::keptCounts)));
    add("flags", "A slice with a NaN or infinite distance is flagged.", SliceAnchorOutput::flags);
    add(
        "patches",
        "The largest patch distance and the lowest patch that has it.",
        input -> input.params().patches() != null,
        List.of(
            new Field<>("patchDistance", SliceAnchorOutput::patchDistance),
            new Field<>("patchIndex", SliceAnchorOutput::patchIndex)));
  }

  private void add(String id, String says, Function<SliceAnchorOutput, @Nullable Object> field) {
    add(id, says, List.of(new Field<>(id, field)));
  }

  private void add(String id, String says, List<Field<SliceAnchorOutput>> fields) {
    add(id, says, input -> true, fields);
  }

  private void add(
      String id,
      String says,
      Predicate<SliceAnchorInput> applies,
      List<Field<SliceAnchorOutput>> fields) {
    outputs.add(
        new OutputRule<>(
            rule(id, Rule.Kind.BITS, says, ""),
            applies,
            (expected, actual) -> Fields.bits(fields, expected, actual)));
  }

  @Override
  List<OutputRule<SliceAnchorInput, SliceAnchorOutput>> outputs() {
    return outputs;
  }

  @Override
  List<TestCase<SliceAnchorInput>> cases(DType dtype, long seed, int count) {
    return SliceAnchorCases.of(dtype, seed, count);
  }

  @Override
  List<BadInput<SliceAnchorInput>> badInputs(DType dtype) {
    List<BadInput<SliceAnchorInput>> all = new ArrayList<>();
    HostTensor slices = SliceAnchorCases.levels(dtype, 2, 0, 1, 2, 3, 4, 5);
    Ragged.bad(slices.rows())
        .forEach(
            (why, offsets) ->
                all.add(
                    new BadInput<>(
                        "offsets " + why,
                        new SliceAnchorInput(SliceAnchor.Params.of(0.5), slices, offsets))));
    return all;
  }

  @Override
  boolean flagsBadInput(SliceAnchorOutput output) {
    int[] counts = output.keptCounts();
    return (counts != null && Arrays.stream(counts).anyMatch(c -> c < 0))
        || Fields.anyFlag(output.flags(), SegmentFlags.BAD_OFFSETS);
  }

  @Override
  List<GoldenCase<SliceAnchorInput, SliceAnchorOutput>> goldens() {
    return SliceAnchorGoldens.all();
  }

  @Override
  SliceAnchorOutput call(ConformanceTarget target, SliceAnchorInput input) {
    return target.sliceAnchor(input);
  }

  @Override
  long values(SliceAnchorInput in) {
    return in.slices().elements();
  }

  @Override
  SliceAnchorInput take(SliceAnchorInput in, Selection s) {
    return new SliceAnchorInput(in.params(), in.slices().take(s.rows()), s.offsets());
  }

  @Override
  SliceAnchorOutput part(SliceAnchorInput in, SliceAnchorOutput out, int g) {
    int from = (int) in.offsets()[g];
    int to = (int) in.offsets()[g + 1];
    int[] representative = out.representative();
    int[] indices = out.keptIndices();
    return new SliceAnchorOutput(
        Fields.part(out.keep(), from, to),
        Fields.part(out.distance(), from, to),
        representative == null ? null : Ragged.local(representative, from, to, from),
        indices == null ? null : Ragged.local(indices, from, to, from),
        Fields.part(out.keptCounts(), g, g + 1),
        Fields.part(out.flags(), from, to),
        Fields.part(out.patchDistance(), from, to),
        Fields.part(out.patchIndex(), from, to));
  }

  @Override
  Stream<SliceAnchorInput> simpler(SliceAnchorInput in) {
    SliceAnchor.Params p = in.params();
    Stream.Builder<SliceAnchorInput> all = Stream.builder();
    if (p.patches() != null) {
      all.add(with(in, new SliceAnchor.Params(p.gamma(), p.scale(), p.maxGap())));
    } else {
      for (int columns : Fields.fewer(in.slices().columns())) {
        all.add(new SliceAnchorInput(p, in.slices().narrow(columns), in.offsets()));
      }
    }
    if (p.maxGap() > 0) {
      all.add(with(in, p.withMaxGap(0)));
    }
    if (p.scale() != 1) {
      all.add(with(in, p.withScale(1)));
    }
    return Stream.concat(
        all.build(),
        Fields.plainer(in.slices()).map(t -> new SliceAnchorInput(p, t, in.offsets())));
  }

  private static SliceAnchorInput with(SliceAnchorInput in, SliceAnchor.Params params) {
    return new SliceAnchorInput(params, in.slices(), in.offsets());
  }

  @Override
  String describe(SliceAnchorInput in) {
    return in.params() + ", offsets " + Arrays.toString(in.offsets()) + ", slices " + in.slices();
  }
}
