package org.medpruner.cli.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.PruningReport.TokenDetail;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/** Reports over drawn volumes, for tests of the page. */
final class Scenes {
  static final int GRID = 8;

  private Scenes() {}

  /** Which slices a scene keeps. */
  interface Keep {
    boolean test(int slice);
  }

  /** An ellipsoid with a bright ball in it, grey, with seeded noise. */
  static SliceImages ball(int count, int height, int width) {
    Random random = new Random(7);
    List<byte[]> pixels = new ArrayList<>();
    List<SliceInfo> info = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      double z = count == 1 ? 0 : 2.0 * i / (count - 1) - 1;
      byte[] p = new byte[height * width * 3];
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          double v = 2.0 * y / height - 1;
          double u = 2.0 * x / width - 1;
          double body = u * u / 0.6 + v * v / 0.8 + z * z;
          double lump = sq(u - 0.25) + sq(v + 0.2) + sq(z - 0.1);
          int grey = body < 1 ? (int) (70 + 60 * (1 - body)) : 6;
          grey += lump < 0.02 ? 90 : 0;
          grey = Math.clamp(grey + random.nextInt(9) - 4, 0, 255);
          for (int c = 0; c < 3; c++) {
            p[(y * width + x) * 3 + c] = (byte) grey;
          }
        }
      }
      pixels.add(p);
      info.add(new SliceInfo(i, count - 1 - i, 100 - 2.5 * i));
    }
    return new SliceImages(height, width, pixels, info, 2.5, "MRI min-max of the volume");
  }

  private static double sq(double v) {
    return v * v;
  }

  /** A report that keeps the given slices; distances agree with that, gamma is the policy's. */
  static PruningReport report(int count, Keep keep, PruningPolicy policy, boolean tokens) {
    Random random = new Random(11);
    List<SliceReport> slices = new ArrayList<>();
    int anchor = 0;
    int kept = 0;
    long given = 0;
    for (int i = 0; i < count; i++) {
      boolean k = i == 0 || keep.test(i);
      anchor = k ? i : anchor;
      kept += k ? 1 : 0;
      double distance =
          i == 0 ? 0 : policy.gamma() * (k ? 1.02 + random.nextDouble() : random.nextDouble());
      TokenDetail detail = k && tokens ? detail(random) : null;
      int nucleus = count(detail, 1);
      int targets = count(detail, 2);
      given += nucleus + targets;
      slices.add(
          new SliceReport(
              i,
              count - 1 - i,
              100 - 2.5 * i,
              k,
              distance,
              anchor,
              nucleus,
              detail == null ? 0 : 0.9 + 0.05 * random.nextDouble(),
              targets,
              nucleus + targets,
              detail));
    }
    int n = tokens ? GRID * GRID : 0;
    Map<String, Double> timings = new LinkedHashMap<>();
    timings.put("read", 0.21);
    timings.put("anchor", 0.0042);
    if (tokens) {
      timings.put("encode", 3.4);
      timings.put("prune", 0.031);
      timings.put("prefill", 0.84);
      timings.put("decode", 0.12);
    }
    return new PruningReport(
        policy,
        slices,
        n,
        new PruningReport.Rates(
            (double) kept / count,
            tokens ? (double) given / ((long) kept * n) : 1,
            tokens ? (double) given / ((long) count * n) : (double) kept / count),
        new PruningReport.Savings(
            tokens ? (long) count * n - given : 0,
            tokens ? ((long) count * n - given) * 4096 : 0,
            count - kept),
        timings,
        List.of());
  }

  private static int count(@Nullable TokenDetail detail, int role) {
    int n = 0;
    if (detail != null) {
      for (byte r : detail.role()) {
        n += r == role ? 1 : 0;
      }
    }
    return n;
  }

  /** A grid whose mass peaks around a spot; the highest ten are the nucleus, three are targets. */
  private static TokenDetail detail(Random random) {
    int n = GRID * GRID;
    float[] mass = new float[n];
    double cy = 2 + 4 * random.nextDouble();
    double cx = 2 + 4 * random.nextDouble();
    double sum = 0;
    for (int i = 0; i < n; i++) {
      int row = i / GRID;
      double near = sq(row - cy) + sq(i % GRID - cx);
      mass[i] = (float) (0.1 + 0.2 * random.nextDouble() + 6 * Math.exp(-near / 3));
      sum += mass[i];
    }
    byte[] role = new byte[n];
    int[] assignment = new int[n];
    for (int i = 0; i < n; i++) {
      mass[i] *= (float) (n / sum);
    }
    for (int i = 0; i < n; i++) {
      int higher = 0;
      for (int j = 0; j < n; j++) {
        higher += mass[j] > mass[i] || (mass[j] == mass[i] && j < i) ? 1 : 0;
      }
      role[i] = (byte) (higher < 10 ? 1 : 0);
      assignment[i] = i;
    }
    int[] targets = {1, 24, 55};
    for (int t : targets) {
      role[t] = (byte) (role[t] == 1 ? 1 : 2);
    }
    for (int i = 0; i < n; i++) {
      if (role[i] == 0) {
        assignment[i] = targets[i * 3 / n];
      }
    }
    return new TokenDetail(mass, role, assignment, GRID, GRID);
  }

  /** A report with one slice replaced. */
  static PruningReport withSlice(PruningReport r, int i, SliceReport slice, List<String> flags) {
    List<SliceReport> slices = new ArrayList<>(r.slices());
    slices.set(i, slice);
    return new PruningReport(
        r.policy(), slices, r.tokensPerSlice(), r.rates(), r.savings(), r.timings(), flags);
  }

  /** The same slice with another distance. */
  static SliceReport withDistance(SliceReport s, double distance) {
    return new SliceReport(
        s.index(),
        s.sourceIndex(),
        s.positionMm(),
        s.kept(),
        distance,
        s.representative(),
        s.nucleus(),
        s.massKept(),
        s.targets(),
        s.tokens(),
        s.detail());
  }

  /** Facts as the command line gives them. */
  static Map<String, String> facts() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Input", "phantom_01.nii.gz");
    facts.put("SHA-256", "a009051127f64dc3dd554d5f5b589870ea72106d9642c21b4e7093e478cfc309");
    facts.put("Shape", "181 x 217 x 181");
    facts.put("Spacing", "1 x 1 x 1 mm");
    facts.put("Orientation", "axial, superior first; patient right at image left");
    facts.put("Model", "models/demo, Gemma3ForConditionalGeneration, 1.2 M parameters, cpu");
    facts.put("Preset", "paper");
    facts.put("Version", "0.1.0-SNAPSHOT");
    return facts;
  }

  /** A question with an answer over a pruned volume. */
  static ReportModel asked(int count) {
    return new ReportModel(
        "phantom_01.nii.gz",
        ball(count, 112, 112),
        report(count, i -> i % 3 == 0, PruningPolicy.PAPER, true),
        "Is there a lesion in the liver?",
        "yes",
        "yes",
        facts());
  }

  /** Slice anchoring alone. */
  static ReportModel anchored(int count, Keep keep) {
    return new ReportModel(
        "volume",
        ball(count, 48, 40),
        report(count, keep, PruningPolicy.PAPER, false),
        null,
        null,
        null,
        Map.of());
  }
}
