package org.medpruner.testkit.internal;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.medpruner.DType;
import org.medpruner.SegmentFlags;
import org.medpruner.SliceAnchor;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.SliceAnchorInput;
import org.medpruner.testkit.SliceAnchorOutput;
import org.medpruner.testkit.internal.Fields.Field;

/** Checks of {@code slice_anchor}. */
final class SliceAnchorSuite extends OpSuite<SliceAnchorInput, SliceAnchorOutput> {
  SliceAnchorSuite() {
    super(Op.SLICE_ANCHOR);
    bits("keep", "A slice stays when its distance exceeds (float) gamma.", SliceAnchorOutput::keep);
    bits("distance", "Distances have the bits of the canonical sum.", SliceAnchorOutput::distance);
    bits(
        "representative",
        "A kept slice names itself, a dropped one its anchor.",
        SliceAnchorOutput::representative);
    bits(
        "kept-lists",
        "Kept slices ascend from offsets[g] on, then -1; their number is kept_counts.",
        List.of(
            new Field<>("keptIndices", SliceAnchorOutput::keptIndices),
            new Field<>("keptCounts", SliceAnchorOutput::keptCounts)));
    bits("flags", "A slice with a NaN or infinite distance is flagged.", SliceAnchorOutput::flags);
    bits(
        "patches",
        "The largest patch distance and the lowest patch that has it.",
        input -> input.params().patches() != null,
        List.of(
            new Field<>("patchDistance", SliceAnchorOutput::patchDistance),
            new Field<>("patchIndex", SliceAnchorOutput::patchIndex)));
  }

  @Override
  List<TestCase<SliceAnchorInput>> cases(DType dtype, long seed, int count) {
    return SliceAnchorCases.of(dtype, seed, count);
  }

  @Override
  List<BadInput<SliceAnchorInput>> badInputs(DType dtype) {
    HostTensor slices = SliceAnchorCases.levels(dtype, 2, 0, 1, 2, 3, 4, 5);
    return BadInput.offsets(6, o -> new SliceAnchorInput(SliceAnchor.Params.of(0.5), slices, o));
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
    return new SliceAnchorOutput(
        Fields.part(out.keep(), from, to),
        Fields.part(out.distance(), from, to),
        Fields.local(out.representative(), from, to),
        Fields.local(out.keptIndices(), from, to),
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
    return in.params() + ", offsets " + Fields.text(in.offsets()) + ", slices " + in.slices();
  }
}
