package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.medpruner.DType;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.SliceAnchorInput;

/** Cases of {@code slice_anchor} for one dtype. */
final class SliceAnchorCases {
  private static final int[] SIZES = {
    1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 4095, 4096, 4097, 9001
  };

  private static final double[] MAGNITUDES = {1e-3, 1e-2, 0.1, 1, 10, 100, 1e3};

  private final DType dtype;
  private final long seed;
  private final List<TestCase<SliceAnchorInput>> all = new ArrayList<>();

  private SliceAnchorCases(DType dtype, long seed) {
    this.dtype = dtype;
    this.seed = seed;
  }

  static List<TestCase<SliceAnchorInput>> of(DType dtype, long seed, int count) {
    SliceAnchorCases cases = new SliceAnchorCases(dtype, seed);
    cases.thresholds();
    cases.anchors();
    cases.shapes();
    if (integers(dtype)) {
      cases.integers();
    } else {
      cases.floats();
    }
    cases.patches();
    for (int i = 0; i < count; i++) {
      cases.random(i);
    }
    cases.large();
    return cases.all;
  }

  private static boolean integers(DType dtype) {
    return dtype == DType.U8 || dtype == DType.I16;
  }

  /** One level of {@link #levels}: exact in every dtype, and so are sums of a few. */
  private static double unit(DType dtype) {
    return integers(dtype) ? 1 : 0.0625;
  }

  /** Constant slices, each of a whole number of levels. */
  static HostTensor levels(DType dtype, int size, int... levels) {
    float[] values = new float[levels.length * size];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (levels[i / size] * unit(dtype));
    }
    return tensor(dtype, values, size);
  }

  /** Slices of the values as they are, integers rounded and clamped. */
  private static HostTensor tensor(DType dtype, float[] values, int size) {
    int rows = values.length / size;
    return switch (dtype) {
      case U8 -> {
        byte[] b = new byte[values.length];
        for (int i = 0; i < b.length; i++) {
          b[i] = (byte) Math.round(Math.clamp(values[i], 0f, 255f));
        }
        yield HostTensor.ofBytes(dtype, b, rows, size);
      }
      case I16 -> {
        short[] s = new short[values.length];
        for (int i = 0; i < s.length; i++) {
          s[i] = (short) Math.round(Math.clamp(values[i], -32768f, 32767f));
        }
        yield HostTensor.of(dtype, s, rows, size);
      }
      default -> HostTensor.rounded(dtype, values, rows, size);
    };
  }

  /** Slices of values in about [-1, 1], spread over the range of an integer dtype. */
  private static HostTensor spread(DType dtype, float[] values, int size) {
    float[] shown = new float[values.length];
    for (int i = 0; i < shown.length; i++) {
      shown[i] =
          switch (dtype) {
            case U8 -> values[i] * 127.5f + 127.5f;
            case I16 -> values[i] * 20000;
            default -> values[i];
          };
    }
    return tensor(dtype, shown, size);
  }

  /** Scale under which values of {@link #spread} have the distances of the values given. */
  private static double scale(DType dtype) {
    return dtype == DType.U8 ? SliceAnchor.U8_SCALE : dtype == DType.I16 ? 1 / 2e4 : 1;
  }

  private void add(String name, SliceAnchor.Params params, HostTensor slices, long... offsets) {
    all.add(new TestCase<>(name, new SliceAnchorInput(params, slices, offsets)));
  }

  /** One volume. */
  private void add(String name, SliceAnchor.Params params, HostTensor slices) {
    add(name, params, slices, 0, slices.rows());
  }

  /** Gamma in levels. */
  private SliceAnchor.Params gamma(double levels) {
    return SliceAnchor.Params.of(levels * unit(dtype));
  }

  private Random random(String name) {
    return Seeds.of(seed, Op.SLICE_ANCHOR, dtype, name);
  }

  private void thresholds() {
    HostTensor steps = levels(dtype, 5, 0, 4, 8, 8, 12, 13);
    add("equality-drops", gamma(4), steps);
    add("just-below-equality", gamma(Math.nextDown(4f)), steps);
    // As a double below the distance, as a float equal to it.
    add("gamma-rounds-to-float", SliceAnchor.Params.of(Math.nextDown(4 * unit(dtype))), steps);
    add("gamma-zero", gamma(0), levels(dtype, 3, 1, 1, 2, 2, 1));
    add("gamma-negative", gamma(-1), levels(dtype, 3, 1, 1, 1));
    add("gamma-infinite", SliceAnchor.Params.of(Double.POSITIVE_INFINITY), steps);
    float[] near = {0, 0.0501f, 0.1003f, 0.1503f, 0.2005f};
    add(
        "mean-near-gamma",
        SliceAnchor.Params.of(0.05).withScale(scale(dtype)),
        spread(dtype, repeat(near, 7), 7));
    add("scale", gamma(8).withScale(2), steps);
    add("small-scale", SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE), steps);
  }

  private void anchors() {
    add("slow-drift", gamma(2.5), levels(dtype, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    add("back-and-forth", gamma(3), levels(dtype, 4, 0, 8, 0, 8, 1, 9, 0));
    add("constant-volume", gamma(0), levels(dtype, 6, 3, 3, 3, 3, 3));
    for (int gap = 1; gap <= 4; gap++) {
      add("max-gap-" + gap, gamma(5).withMaxGap(gap), levels(dtype, 3, 0, 1, 9, 9, 9, 9, 9, 0, 0));
    }
    // Nothing is carried from volume to volume.
    add("many-volumes", gamma(2), levels(dtype, 3, 0, 0, 7, 7, 7, 0, 1, 9), 0, 2, 5, 5, 6, 8);
    add("max-gap-of-volumes", gamma(9).withMaxGap(2), levels(dtype, 3, 0, 0, 0, 0, 0, 0), 0, 3, 6);
  }

  private void shapes() {
    add("no-slices", gamma(1), levels(dtype, 4), 0, 0);
    add("one-slice", gamma(1), levels(dtype, 4, 7));
    add("empty-volumes-between", gamma(1), levels(dtype, 2, 0, 3, 3, 5), 0, 0, 2, 2, 2, 4, 4);
    long[] lengths = Ragged.offsets(IntStream.rangeClosed(0, 18).toArray());
    float[] values = drifting(random("every-length"), Ragged.rows(lengths), 33);
    add("every-length", spreadParams(0.05), spread(dtype, values, 33), lengths);
    for (int size : SIZES) {
      float[] v = drifting(random("size-" + size), 6, size);
      add("size-" + size, spreadParams(0.05), spread(dtype, v, size));
    }
  }

  private SliceAnchor.Params spreadParams(double gamma) {
    return SliceAnchor.Params.of(gamma).withScale(scale(dtype));
  }

  private void integers() {
    int size = 70_001; // 65535 of these exceed 32 bits, 255 of these 24
    int rows = 3;
    if (dtype == DType.U8) {
      byte[] b = new byte[rows * size];
      Arrays.fill(b, size, 2 * size, (byte) 255);
      add("largest-difference", gamma(1), HostTensor.ofBytes(dtype, b, rows, size));
    } else {
      short[] s = new short[rows * size];
      Arrays.fill(s, Short.MIN_VALUE);
      Arrays.fill(s, size, 2 * size, Short.MAX_VALUE);
      add("largest-difference", gamma(1), HostTensor.of(dtype, s, rows, size));
      add(
          "differences-past-16-bits",
          gamma(40_000),
          HostTensor.of(dtype, new short[] {-30_000, 30_000, -30_000}, 3, 1));
    }
    float[] grey = {120, 126, 127, 134, 200};
    add(
        "scale-folded",
        SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE),
        tensor(dtype, repeat(grey, 9), 9));
  }

  private void floats() {
    float nan = Float.NaN;
    float inf = Float.POSITIVE_INFINITY;
    SliceAnchor.Params p = SliceAnchor.Params.of(0.1);
    add("nan-pixel", p, tensor(dtype, new float[] {0, 0, 0, nan, 0, 0, 0, 0}, 2));
    add("nan-in-first-slice", p, tensor(dtype, new float[] {nan, 0, 0, 0, 0, 0}, 2));
    add("nan-twice", p, tensor(dtype, new float[] {1, nan, nan, 1, 1, 1}, 1));
    add("infinity", p, tensor(dtype, new float[] {0, inf, inf, 0, -inf, inf, 0, 0}, 1));
    add("infinity-in-first-slice", p, tensor(dtype, new float[] {inf, 0, 0}, 1));
    add(
        "infinity-with-infinite-gamma",
        SliceAnchor.Params.of(inf),
        tensor(dtype, new float[] {0, inf, 0, nan, 0, 0}, 1));
    float most = dtype == DType.F16 ? 65504 : 3.3e38f;
    add("largest-values", p, tensor(dtype, new float[] {most, -most, most, most, -most}, 1));
    add("minus-zero", SliceAnchor.Params.of(0), tensor(dtype, new float[] {0, -0f, 0, 1e-3f}, 1));
    float least = dtype == DType.F16 ? 6e-8f : 1e-40f;
    add(
        "subnormal",
        SliceAnchor.Params.of(0),
        tensor(dtype, new float[] {0, least, 2 * least, 2 * least, 0}, 1));
    // Values of many magnitudes: the order of the additions shows in the last bits. Columns of a
    // patch are added first where it is wider than the lanes are many.
    add(
        "wide-range-patch",
        SliceAnchor.Params.of(100).withPatches(100, SlicePatches.interleaved(14, 14, 3, 14, 14)),
        tensor(dtype, magnitudes(random("wide-range-patch"), 3 * 588), 588));
    for (int size : new int[] {40, 4096, 5000}) {
      float[] v = magnitudes(random("wide-range-" + size), 4 * size);
      add("wide-range-" + size, SliceAnchor.Params.of(100), tensor(dtype, v, size));
    }
  }

  private static float[] magnitudes(Random r, int n) {
    float[] v = new float[n];
    for (int i = 0; i < n; i++) {
      v[i] = (float) (r.nextGaussian() * MAGNITUDES[r.nextInt(MAGNITUDES.length)]);
    }
    return v;
  }

  private void patches() {
    SlicePatches[] grids = {
      SlicePatches.planar(3, 28, 42, 14, 14),
      SlicePatches.planar(2, 31, 45, 14, 14),
      SlicePatches.planar(1, 17, 19, 64, 64),
      SlicePatches.planar(5, 4, 7, 1, 1),
      SlicePatches.interleaved(30, 45, 3, 14, 14),
      SlicePatches.vectors(6, 70),
      SlicePatches.vectors(1, 1),
      SlicePatches.vectors(3, 1536),
      SlicePatches.planar(12, 4, 5, 2, 3)
    };
    for (int i = 0; i < grids.length; i++) {
      SlicePatches grid = grids[i];
      int size = (int) (grid.channels() * grid.height() * grid.width());
      Random r = random("patches-" + i);
      float[] v = drifting(r, 7, size);
      add(
          "patches-" + i,
          spreadParams(10).withPatches(0.12, grid),
          spread(dtype, v, size),
          0,
          3,
          7);
      v[r.nextInt(v.length)] = Float.NaN; // of an integer dtype it is 0
      add("patches-odd-" + i, spreadParams(0.05).withPatches(0.2, grid), spread(dtype, v, size));
    }
    SlicePatches four = SlicePatches.planar(1, 2, 4, 1, 2);
    float[] v = new float[4 * 8];
    float step = (float) (8 * unit(dtype));
    v[8 + 2] = step; // patch 1
    v[16 + 2] = step;
    v[16 + 4] = step; // patches 1 and 2 alike
    v[24 + 7] = step;
    HostTensor small = tensor(dtype, v, 8);
    add("patch-sees-what-the-mean-does-not", gamma(2).withPatches(2 * unit(dtype), four), small);
    add("patch-of-equal-distances", gamma(9).withPatches(4 * unit(dtype), four), small);
    add("patch-gamma-zero", gamma(9).withPatches(0, four), small);
    add("patch-gamma-negative", gamma(9).withPatches(-1, four), small);
    add("patch-measures-only", gamma(9).withPatches(Double.POSITIVE_INFINITY, four), small);
  }

  /** As scanners give them: long volumes, many of them, and slices of a model's size. */
  private void large() {
    int[] lengths = new int[41];
    Arrays.fill(lengths, 2);
    lengths[3] = 100;
    long[] offsets = Ragged.offsets(lengths);
    int[] steps = new int[Ragged.rows(offsets)];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = i % 3;
    }
    add("many-slices", gamma(1.5), levels(dtype, 4, steps), offsets);
    int[] still = new int[100];
    add("max-gap-40", gamma(1).withMaxGap(40), levels(dtype, 4, still));
    add("max-gap-past-32-bits", gamma(1).withMaxGap((1L << 32) + 1), levels(dtype, 4, still));
    int side = 448;
    int size = side * side;
    Random r = random("large");
    float[] v = new float[2 * size];
    for (int i = 0; i < size; i++) {
      v[i] = r.nextFloat() - 0.5f;
      v[size + i] = v[i] + 0.2f * r.nextFloat();
    }
    // Most differs what comes last, in the last of 1024 patches.
    for (int row = side - 14; row < side; row++) {
      for (int i = row * side + side - 14; i < (row + 1) * side; i++) {
        v[size + i] = v[i] + 0.5f;
      }
    }
    HostTensor slices = spread(dtype, v, size);
    add("large-slices", spreadParams(10), slices);
    SlicePatches patches = SlicePatches.planar(1, side, side, 14, 14);
    add("large-slices-in-patches", spreadParams(10).withPatches(0.4, patches), slices);
  }

  private void random(int index) {
    String name = "random-" + index;
    Random r = random(name);
    int size = SIZES[r.nextInt(SIZES.length)];
    long[] offsets = Ragged.random(r, 4, 12);
    float[] values = drifting(r, Ragged.rows(offsets), size);
    if (r.nextInt(4) == 0 && values.length > 0) {
      values[r.nextInt(values.length)] = r.nextBoolean() ? Float.NaN : Float.MAX_VALUE;
    }
    SliceAnchor.Params p =
        new SliceAnchor.Params(r.nextFloat() * 0.15, scale(dtype), r.nextInt(3) * 2L);
    add(name, p, spread(dtype, values, size), offsets);
  }

  /** Slices that drift, jump and repeat, so that every branch is met. */
  private static float[] drifting(Random random, int slices, int size) {
    float[] v = new float[slices * size];
    for (int i = 0; i < slices; i++) {
      int kind = random.nextInt(4);
      float step = kind == 0 ? 0 : kind == 1 ? 0.02f : 0.2f;
      for (int j = 0; j < size; j++) {
        float before = i == 0 || kind == 3 ? 0 : v[(i - 1) * size + j];
        v[i * size + j] = before + step * (random.nextFloat() - 0.5f) * (kind == 3 ? 8 : 2);
      }
    }
    return v;
  }

  private static float[] repeat(float[] values, int size) {
    float[] all = new float[values.length * size];
    for (int i = 0; i < all.length; i++) {
      all[i] = values[i / size];
    }
    return all;
  }
}
