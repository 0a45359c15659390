package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.Rates;
import org.medpruner.eval.Run;
import org.medpruner.eval.RunHeader;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/** Runs that were never run: seeded answers, costs and volumes. */
final class RunScenes {
  /** Part of every volume's name, which no report may repeat. */
  static final String PATIENT = "DOE^JANE";

  /** {@code off} and {@code paper}. */
  static final List<Setting> TWO = List.of(Setting.OFF, Setting.of(PruningPolicy.PAPER));

  /** {@code off}, {@code paper} and {@code nucleus}. */
  static final List<Setting> THREE =
      List.of(Setting.OFF, Setting.of(PruningPolicy.PAPER), Setting.of(PruningPolicy.NUCLEUS));

  private static final List<String> CATEGORIES =
      List.of("Plane", "Phase", "Organ", "Abnormality", "Location");

  private RunScenes() {}

  /** {@code off}, {@code paper}, and every pair of gamma and tau. */
  static List<Setting> settings(List<Double> gammas, List<Double> taus) {
    List<Setting> all = new ArrayList<>(List.of(Setting.OFF, Setting.of(PruningPolicy.PAPER)));
    for (double gamma : gammas) {
      for (double tau : taus) {
        all.add(
            new Setting(
                "nucleus gamma=" + gamma + " tau=" + tau,
                "nucleus",
                PruningPolicy.NUCLEUS.withGamma(gamma).withTau(tau)));
      }
    }
    return all;
  }

  /** Samples that share volumes by four, of the kinds given in turn. */
  static List<Sample> samples(int count, Kind... kinds) {
    List<Sample> all = new ArrayList<>();
    Map<String, String> choices = new LinkedHashMap<>();
    choices.put("A", "Yes");
    choices.put("B", "No");
    for (int i = 0; i < count; i++) {
      Kind kind = kinds[i % kinds.length];
      all.add(
          new Sample(
              "m3d-" + (10_000 + i),
              "ct/" + PATIENT + "_" + i / 4,
              CATEGORIES.get(i % CATEGORIES.size()),
              kind,
              kind == Kind.REPORT ? "Write a report." : "Is the liver normal?\nA.Yes\nB.No",
              kind == Kind.CLOSED
                  ? (i % 3 == 0 ? "A" : "B")
                  : kind == Kind.OPEN
                      ? "right lower lobe"
                      : "Findings: The liver is normal. Impression: No disease.",
              kind == Kind.CLOSED ? choices : Map.of()));
    }
    return all;
  }

  static Run run(List<Setting> settings, List<Sample> samples, int slices) {
    SplittableRandom random = new SplittableRandom(7);
    List<SampleResult> results = new ArrayList<>();
    for (int k = 0; k < settings.size(); k++) {
      for (Sample s : samples) {
        boolean wrong = random.nextDouble() < 0.1 + 0.3 * k / settings.size();
        results.add(result(settings.get(k), k, s, answer(s, wrong), slices));
      }
    }
    return run(settings, samples, results);
  }

  static Run run(List<Setting> settings, List<Sample> samples, List<SampleResult> results) {
    return run("m3d", "M3D_test.json", 85, settings, samples, results);
  }

  static Run run(
      String benchmark,
      String annotations,
      int maxImages,
      List<Setting> settings,
      List<Sample> samples,
      List<SampleResult> results) {
    RunHeader header =
        new RunHeader(
            RunHeader.FORMAT,
            "2026-01-02T03:04:05Z",
            "test",
            benchmark,
            new RunHeader.Data("/data/" + PATIENT, List.of(annotations), "aa", "bb"),
            new ModelInfo("/m/" + PATIENT, "Gemma3", 12_345, "F32", "F32", "cpu", 112, 64, 9),
            "cc",
            settings,
            new RunHeader.Selection(samples.size(), 0, 42, samples.size(), "dd"),
            maxImages,
            GenerationOptions.DEFAULT);
    return new Run(header, samples, results);
  }

  /** A run of these answers, a row for each sample and a column for each setting. */
  static Run answers(List<Setting> settings, List<Sample> samples, String[][] answers) {
    List<SampleResult> results = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      for (int k = 0; k < settings.size(); k++) {
        results.add(result(settings.get(k), k, samples.get(i), answers[i][k], 24));
      }
    }
    return run(settings, samples, results);
  }

  /** A sample of a volume of its own. */
  static Sample sample(int i, Kind kind, String gold) {
    Map<String, String> choices = kind == Kind.CLOSED ? Map.of("A", "Yes", "B", "No") : Map.of();
    return new Sample("s" + i, "v" + i, "c", kind, "Is it?", gold, choices);
  }

  static String answer(Sample s, boolean wrong) {
    return switch (s.kind()) {
      case CLOSED -> wrong == s.gold().equals("A") ? "No." : "A. Yes";
      case OPEN -> wrong ? "left lobe" : "The right lower lobe";
      case REPORT -> wrong ? "Findings: mass." : "Findings: The liver is normal.";
    };
  }

  static SampleResult result(Setting setting, int k, Sample s, String answer, int slices) {
    return result(setting, k, s, answer, slices, "ff");
  }

  static SampleResult result(
      Setting setting, int k, Sample s, String answer, int slices, String volumeSha256) {
    return result(
        setting, k, s, answer, slices, volumeSha256, "stop-token", "ready-made 8-bit pictures");
  }

  static SampleResult result(
      Setting setting,
      int k,
      Sample s,
      String answer,
      int slices,
      String volumeSha256,
      String ending,
      String recipe,
      String... warnings) {
    int step = Math.min(slices, 1 + k);
    List<Integer> kept = new ArrayList<>();
    for (int i = 0; i < slices; i += step) {
      kept.add(i);
    }
    double sliceRate = (double) kept.size() / slices;
    double tokenRate = k == 0 ? 1 : 1.0 / (1 + k);
    return new SampleResult(
        s.id(),
        setting.name(),
        answer,
        null,
        ending,
        volumeSha256,
        recipe,
        List.of(warnings),
        slices,
        kept,
        64L * slices,
        Math.round(64 * slices * sliceRate * tokenRate),
        new Rates(sliceRate, tokenRate, sliceRate * tokenRate),
        new SampleResult.Seconds(0.01, 1.2 * sliceRate, 0.02, 0.4 * sliceRate, 0.05),
        4,
        (500L + k) << 20,
        300_000 / (k + 1),
        900,
        1000,
        3);
  }

  static SliceImages pictures(int slices, int side) {
    List<byte[]> pixels = new ArrayList<>();
    List<SliceInfo> info = new ArrayList<>();
    SplittableRandom noise = new SplittableRandom(3);
    for (int z = 0; z < slices; z++) {
      byte[] rgb = new byte[side * side * 3];
      for (int p = 0; p < side * side; p++) {
        int row = p / side;
        double r = Math.hypot(p % side - side / 2.0, row - side / 2.0) / side;
        byte grey = (byte) (r < 0.42 ? 90 + 100 * Math.sin(6 * r + z) * r + noise.nextInt(20) : 0);
        rgb[3 * p] = grey;
        rgb[3 * p + 1] = grey;
        rgb[3 * p + 2] = grey;
      }
      pixels.add(rgb);
      info.add(new SliceInfo(z, z, z));
    }
    return new SliceImages(side, side, pixels, info, 1, "test");
  }
}
