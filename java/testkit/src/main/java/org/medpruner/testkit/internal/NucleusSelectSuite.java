package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.medpruner.DType;
import org.medpruner.NucleusSelect;
import org.medpruner.SegmentFlags;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.NucleusSelectInput;
import org.medpruner.testkit.NucleusSelectOutput;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.internal.Fields.Field;

/** Checks of {@code nucleus_select}. */
final class NucleusSelectSuite extends OpSuite<NucleusSelectInput, NucleusSelectOutput> {
  NucleusSelectSuite() {
    super(Op.NUCLEUS_SELECT);
    bits(
        "mask",
        "The shortest prefix, score descending and index ascending, whose integer weights reach"
            + " tau; then floors and caps.",
        NucleusSelectOutput::mask);
    bits(
        "kept-lists",
        "Kept rows ascend from offsets[g] on, then -1; their number is kept_counts.",
        List.of(
            new Field<>("keptIndices", NucleusSelectOutput::keptIndices),
            new Field<>("keptCounts", NucleusSelectOutput::keptCounts)));
    bits(
        "kept-mass",
        "Kept weight over all weight, one f64 division of exact integers.",
        NucleusSelectOutput::keptMass);
    bits(
        "flags",
        "NON_FINITE or NEGATIVE_MASS where a segment is kept whole, else 0.",
        NucleusSelectOutput::flags);
  }

  @Override
  List<TestCase<NucleusSelectInput>> cases(DType dtype, long seed, int count) {
    return NucleusSelectCases.of(seed, count);
  }

  @Override
  List<BadInput<NucleusSelectInput>> badInputs(DType dtype) {
    float[] scores = {3, 1, 2, 1, 5, 1};
    NucleusSelect.Params params = NucleusSelect.Params.mass(0.7);
    List<BadInput<NucleusSelectInput>> all =
        BadInput.offsets(6, o -> new NucleusSelectInput(params, scores, o, null));
    Ragged.bad(6)
        .forEach(
            (why, volumes) ->
                all.add(
                    new BadInput<>(
                        "volumes " + why,
                        new NucleusSelectInput(
                            params.withVolumeTokens(0, 4),
                            scores,
                            new long[] {0, 1, 2, 3, 4, 5, 6},
                            volumes))));
    return all;
  }

  @Override
  boolean flagsBadInput(NucleusSelectOutput output) {
    return Fields.anyFlag(output.flags(), SegmentFlags.BAD_OFFSETS);
  }

  @Override
  List<GoldenCase<NucleusSelectInput, NucleusSelectOutput>> goldens() {
    List<GoldenCase<NucleusSelectInput, NucleusSelectOutput>> all = new ArrayList<>();
    Goldens goldens = Goldens.get();
    for (String name : goldens.names("gme/", "/stable")) {
      String[] parts = name.split("/", -1);
      float[] scores = goldens.floats("gme/" + parts[1] + "/scores");
      double tau = Goldens.number(parts[2]);
      double sum = 0;
      for (float v : scores) {
        sum += v;
      }
      if (Math.abs(sum - 1) > 1e-6) {
        // The released code compares a running sum with tau, the specification the share.
        tau = Math.min(tau / sum, 1);
      }
      // At tau = 1 their running sum ends before a tail of zeros, or never; all are kept here.
      long[] kept =
          tau == 1
              ? IntStream.range(0, scores.length).asLongStream().toArray()
              : goldens.longs(name);
      byte[] mask = new byte[scores.length];
      for (long i : kept) {
        mask[(int) i] = 1;
      }
      all.add(
          new GoldenCase<>(
              name,
              new NucleusSelectInput(
                  NucleusSelect.Params.mass(tau), scores, new long[] {0, scores.length}, null),
              out -> Finding.bits("mask", mask, out.mask())));
    }
    return all;
  }

  @Override
  NucleusSelectOutput call(ConformanceTarget target, NucleusSelectInput input) {
    return target.nucleusSelect(input);
  }

  @Override
  long values(NucleusSelectInput in) {
    return in.scores().length;
  }

  @Override
  NucleusSelectInput take(NucleusSelectInput in, Selection s) {
    return new NucleusSelectInput(
        in.params(), s.of(in.scores()), s.offsets(), s.ofVolumes(in.volumes()));
  }

  @Override
  NucleusSelectOutput part(NucleusSelectInput in, NucleusSelectOutput out, int g) {
    int from = (int) in.offsets()[g];
    int to = (int) in.offsets()[g + 1];
    return new NucleusSelectOutput(
        Fields.part(out.mask(), from, to),
        Fields.local(out.keptIndices(), from, to),
        Fields.part(out.keptCounts(), g, g + 1),
        Fields.part(out.keptMass(), g, g + 1),
        Fields.part(out.flags(), g, g + 1));
  }

  @Override
  boolean segmentsAreIndependent(NucleusSelectInput in) {
    return in.volumes() == null
        && in.params().volumeMinTokens() == 0
        && in.params().volumeMaxTokens() == 0;
  }

  @Override
  Stream<NucleusSelectInput> simpler(NucleusSelectInput in) {
    NucleusSelect.Params p = in.params();
    Stream.Builder<NucleusSelectInput> all = Stream.builder();
    if (in.volumes() != null) {
      all.add(new NucleusSelectInput(p, in.scores(), in.offsets(), null));
    }
    if (p.volumeMinTokens() > 0 || p.volumeMaxTokens() > 0) {
      all.add(with(in, p.withVolumeTokens(0, 0)));
    }
    if (p.minTokens() > 0 || p.maxTokens() > 0) {
      all.add(with(in, p.withTokens(0, 0)));
    }
    return Stream.concat(
        all.build(),
        Fields.plainer(in.scores())
            .map(v -> new NucleusSelectInput(p, v, in.offsets(), in.volumes())));
  }

  private static NucleusSelectInput with(NucleusSelectInput in, NucleusSelect.Params params) {
    return new NucleusSelectInput(params, in.scores(), in.offsets(), in.volumes());
  }

  @Override
  String describe(NucleusSelectInput in) {
    return in.params()
        + ", offsets "
        + Fields.text(in.offsets())
        + ", volumes "
        + Fields.text(in.volumes())
        + ", scores "
        + Fields.text(in.scores());
  }
}
