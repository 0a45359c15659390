package org.medpruner.testkit.internal;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.AttentionMass;
import org.medpruner.DType;
import org.medpruner.SegmentFlags;
import org.medpruner.testkit.AttentionMassInput;
import org.medpruner.testkit.AttentionMassOutput;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;

/** Checks of {@code attention_mass}. */
final class AttentionMassSuite extends OpSuite<AttentionMassInput, AttentionMassOutput> {
  /** What the header promises between backends, relative. */
  private static final double TOLERANCE = 1e-5;

  /** As long as the magnitudes of the products of every scaled logit add up to this at most. */
  private static final double ORDINARY = 17;

  /** Beyond it, the header's share of the largest such sum. */
  private static final double SHARE = 6e-7;

  /** Below this share of the mean mass the tolerance is absolute. */
  private static final double LEAST = 1e-3;

  AttentionMassSuite() {
    super(Op.ATTENTION_MASS);
    tolerance(
        "mass",
        "Column masses, pooled, against f64: within 1e-5 relative while the magnitudes of the"
            + " products of every scaled logit of a segment add up to at most 17, else within 6e-7"
            + " times the largest such sum; below 1e-3 as at 1e-3.",
        AttentionMassSuite::mass);
    tolerance(
        "pooled-keys",
        "Keys averaged over the patches of a token, then over heads, within 1e-5 relative or, where"
            + " they cancel, within what f32 sums in any order may be off by, (patches * heads + 4)"
            + " * 2^-24 times the mean of their magnitudes; below 1e-3 as at 1e-3.",
        AttentionMassSuite::pooledKeys);
    bits(
        "flags",
        "NON_FINITE where a NaN, an infinity, a product q.k beyond f32 before or after its factor,"
            + " or an exponential above a given log-sum-exp or a head's sum of them beyond f32,"
            + " makes masses NaN.",
        AttentionMassOutput::flags);
  }

  /** The bits of a segment do not depend on the others, so neither does what it may be off by. */
  private static Finding mass(
      AttentionMassInput in, AttentionMassOutput expected, AttentionMassOutput actual) {
    long[] offsets = in.offsets();
    int pool = (int) in.params().pooling().patchesPerToken();
    double[] tolerance = new double[in.query().rows() / pool];
    for (int g = 0; g + 1 < offsets.length; g++) {
      double largest = largestSum(in, (int) offsets[g], (int) offsets[g + 1]);
      Arrays.fill(
          tolerance,
          (int) offsets[g] / pool,
          (int) offsets[g + 1] / pool,
          largest > ORDINARY ? SHARE * largest : TOLERANCE);
    }
    return Finding.close("mass", expected.mass(), actual.mass(), i -> tolerance[i], LEAST);
  }

  /**
   * Of n values an f32 sum has at most n roundings of half an ulp on the way of each, four more are
   * those of two divisions or of two inverses with their products, and one is the expected value's.
   */
  private static Finding pooledKeys(
      AttentionMassInput in, AttentionMassOutput expected, AttentionMassOutput actual) {
    float[] e = expected.pooledKeys();
    if (e == null) {
      return Finding.HOLDS;
    }
    float[] k = in.key().values();
    AttentionMass.Pooling pooling = in.params().pooling();
    int heads = in.key().size(1);
    int d = in.key().size(2);
    int pool = (int) pooling.patchesPerToken();
    double[] magnitude = new double[e.length];
    for (int g = 0; g + 1 < in.offsets().length; g++) {
      int from = (int) in.offsets()[g];
      for (int p = 0; from + p < in.offsets()[g + 1]; p++) {
        int token = from / pool + (int) pooling.tokenOf(p);
        for (int h = 0; h < heads; h++) {
          for (int c = 0; c < d; c++) {
            double value = Math.abs(k[((from + p) * heads + h) * d + c]);
            magnitude[token * d + c] += value / pool / heads;
          }
        }
      }
    }
    double share = (pool * (double) heads + 4) * 0x1p-24;
    return Finding.close(
        "pooled-keys",
        e,
        actual.pooledKeys(),
        i -> Math.max(TOLERANCE, share * magnitude[i] / Math.max(Math.abs(e[i]), LEAST)),
        LEAST);
  }

  /** The largest scale * sum |q_i * k_i| of a segment. */
  private static double largestSum(AttentionMassInput in, int from, int to) {
    float[] q = in.query().values();
    float[] k = in.key().values();
    int heads = in.query().size(1);
    int d = in.query().size(2);
    double largest = 0;
    for (int h = 0; h < heads; h++) {
      for (int i = from; i < to; i++) {
        for (int j = from; j < to; j++) {
          double sum = 0;
          for (int c = 0; c < d; c++) {
            sum += Math.abs((double) q[(i * heads + h) * d + c] * k[(j * heads + h) * d + c]);
          }
          largest = Math.max(largest, sum);
        }
      }
    }
    double scale = in.params().scale();
    return largest * (scale == 0 ? 1 / Math.sqrt(d) : scale);
  }

  @Override
  List<TestCase<AttentionMassInput>> cases(DType dtype, long seed, int count) {
    return AttentionMassCases.of(dtype, seed, count);
  }

  @Override
  List<BadInput<AttentionMassInput>> badInputs(DType dtype) {
    HostTensor patches = HostTensor.rounded(dtype, new float[24], 6, 2, 2);
    AttentionMass.Params single = AttentionMass.Params.of(new AttentionMass.Contiguous(1));
    List<BadInput<AttentionMassInput>> all =
        BadInput.offsets(6, o -> new AttentionMassInput(single, patches, patches, null, o));
    AttentionMass.Params pairs = AttentionMass.Params.of(new AttentionMass.Contiguous(2));
    add(all, "segments that are no multiple of the group", pairs, patches, patches, 0, 3, 6);
    AttentionMass.Params grid = AttentionMass.Params.of(new AttentionMass.Grid(2, 2, 2, 2));
    add(all, "segments that are not the grid", grid, patches, patches, 0, 2, 6);
    HostTensor fewer = HostTensor.rounded(dtype, new float[20], 5, 2, 2);
    add(all, "fewer keys than queries", single, patches, fewer, 0, 2, 6);
    HostTensor shorter = HostTensor.rounded(dtype, new float[12], 6, 2, 1);
    add(all, "shorter keys than queries", single, patches, shorter, 0, 2, 6);
    return all;
  }

  private static void add(
      List<BadInput<AttentionMassInput>> all,
      String name,
      AttentionMass.Params params,
      HostTensor query,
      HostTensor key,
      long... offsets) {
    all.add(new BadInput<>(name, new AttentionMassInput(params, query, key, null, offsets)));
  }

  @Override
  boolean flagsBadInput(AttentionMassOutput output) {
    return Fields.anyFlag(output.flags(), SegmentFlags.BAD_OFFSETS);
  }

  @Override
  List<GoldenCase<AttentionMassInput, AttentionMassOutput>> goldens() {
    return AttentionMassGoldens.all();
  }

  @Override
  AttentionMassOutput call(ConformanceTarget target, AttentionMassInput input) {
    return target.attentionMass(input);
  }

  @Override
  long values(AttentionMassInput in) {
    return in.query().elements();
  }

  @Override
  AttentionMassInput take(AttentionMassInput in, Selection s) {
    return new AttentionMassInput(
        in.params(),
        in.query().take(s.rows()),
        in.key().take(s.rows()),
        lse(in.lse(), in.query().size(1), s),
        s.offsets());
  }

  private static float @Nullable [] lse(float @Nullable [] lse, int heads, Selection s) {
    if (lse == null) {
      return null;
    }
    int n = lse.length / heads;
    int taken = s.rows().length;
    float[] part = new float[heads * taken];
    for (int h = 0; h < heads; h++) {
      for (int i = 0; i < taken; i++) {
        part[h * taken + i] = lse[h * n + s.rows()[i]];
      }
    }
    return part;
  }

  @Override
  AttentionMassOutput part(AttentionMassInput in, AttentionMassOutput out, int g) {
    int pool = (int) in.params().pooling().patchesPerToken();
    int from = (int) in.offsets()[g] / pool;
    int to = (int) in.offsets()[g + 1] / pool;
    int d = in.query().size(2);
    return new AttentionMassOutput(
        Fields.part(out.mass(), from, to),
        Fields.part(out.pooledKeys(), from * d, to * d),
        Fields.part(out.flags(), g, g + 1));
  }

  @Override
  int rowUnit(AttentionMassInput in) {
    // With fewer rows the sums of exponentials would be others.
    boolean fixed = in.lse() != null || in.params().pooling() instanceof AttentionMass.Grid;
    return fixed ? 0 : (int) in.params().pooling().patchesPerToken();
  }

  @Override
  Stream<AttentionMassInput> simpler(AttentionMassInput in) {
    Stream.Builder<AttentionMassInput> all = Stream.builder();
    if (in.lse() != null) {
      all.add(with(in, in.query(), in.key()));
      return all.build();
    }
    for (int d : Fields.fewer(in.query().size(2))) {
      all.add(with(in, in.query().narrow(d), in.key().narrow(d)));
    }
    return Stream.concat(
        all.build(),
        Stream.concat(
            Fields.plainer(in.query()).map(t -> with(in, t, in.key())),
            Fields.plainer(in.key()).map(t -> with(in, in.query(), t))));
  }

  private static AttentionMassInput with(AttentionMassInput in, HostTensor query, HostTensor key) {
    return new AttentionMassInput(in.params(), query, key, null, in.offsets());
  }

  @Override
  String describe(AttentionMassInput in) {
    return in.params()
        + ", offsets "
        + Fields.text(in.offsets())
        + ", query "
        + in.query()
        + ", key "
        + in.key()
        + (in.lse() == null ? "" : ", lse given");
  }
}
