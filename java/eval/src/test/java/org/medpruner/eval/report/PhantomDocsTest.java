package org.medpruner.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.medpruner.eval.TestData;

/** What the documents say of the phantom benchmark is what the committed results give. */
class PhantomDocsTest {
  private static final Path ROOT =
      Path.of(Objects.requireNonNullElse(System.getenv("MEDPRUNER_ROOT"), "../.."));

  private static final List<String> GAMMAS = List.of("0", "0.01", "0.02", "0.05", "0.1", "0.2");
  private static final List<String> TAUS = List.of("0.1", "0.3", "0.5", "0.7", "0.9");

  /** A committed results.csv: cells by "setting|kind|category|column". */
  private record Results(Map<String, String> cells) {
    static Results read(String name) {
      return new Results(TestData.results(ROOT.resolve("bench/results/phantom").resolve(name)));
    }

    double get(String setting, String kind, String category, String column) {
      String key = setting + "|" + kind + "|" + category + "|" + column;
      return Double.parseDouble(Objects.requireNonNull(cells.get(key), key));
    }

    /** Share of all questions answered rightly. */
    double accuracy(String setting) {
      return get(setting, "closed", Figures.ALL, "strict_accuracy");
    }

    double rate(String setting, String column) {
      return get(setting, Figures.ANY, Figures.ALL, column);
    }

    int right(String setting) {
      return (int) Math.rint(accuracy(setting) * get(setting, "closed", Figures.ALL, "answered"));
    }

    int lesions(String setting, String group) {
      return (int) get(setting, LesionFigures.KIND, group, Columns.SAMPLES);
    }

    /** Of a group's questions those that were answered rightly; a group of none has no quality. */
    int lesionsRight(String setting, String group) {
      int samples = lesions(setting, group);
      return samples == 0
          ? 0
          : (int) Math.rint(samples * get(setting, LesionFigures.KIND, group, Columns.QUALITY));
    }
  }

  /** A document with every run of white space as one space. */
  private static String words(String file) throws IOException {
    return Files.readString(ROOT.resolve(file)).replaceAll("\\s+", " ");
  }

  private static void shows(String file, String text) throws IOException {
    assertTrue(words(file).contains(text), file + " does not show: " + text);
  }

  /** The presets' own point has their name. */
  private static String setting(String preset, String gamma, String tau) {
    return gamma.equals("0.05") && tau.equals("0.9")
        ? preset
        : preset + " gamma=" + gamma + " tau=" + tau;
  }

  private static String percent(double share, int digits) {
    return String.format(Locale.ROOT, "%." + digits + "f", share * 100);
  }

  /** "6.4", "10", "0.28". */
  private static String twoDigits(double share) {
    return new BigDecimal(share * 100)
        .round(new MathContext(2))
        .stripTrailingZeros()
        .toPlainString();
  }

  @Test
  void theSurface() throws IOException {
    Results surface = Results.read("surface.csv");
    for (String preset : List.of("paper", "nucleus")) {
      for (String gamma : GAMMAS) {
        List<String> cells = new ArrayList<>();
        for (String tau : TAUS) {
          String setting = setting(preset, gamma, tau);
          cells.add(
              percent(surface.accuracy(setting), 1)
                  + " at "
                  + twoDigits(surface.rate(setting, Columns.OVERALL_RATE))
                  + " %");
        }
        double slices = surface.rate(setting(preset, gamma, "0.1"), Columns.SLICE_RATE);
        shows(
            "docs/evaluation.md",
            "| " + gamma + ", " + percent(slices, 0) + " % | " + String.join(" | ", cells) + " |");
      }
    }
  }

  @Test
  void unprunedAndTheDefaults() throws IOException {
    Results surface = Results.read("surface.csv");
    assertEquals(200, surface.right("off"));
    shows("docs/evaluation.md", "Unpruned it answers all 200");
    shows(
        "docs/evaluation.md",
        String.format(
            Locale.ROOT,
            "**`paper` at its defaults keeps %s %% of the tokens and answers %d of 200; `nucleus`"
                + " keeps %s %% and answers %d.** Intervals of 95 %% by volume: %s to %s and %s to"
                + " %s per cent.",
            twoDigits(surface.rate("paper", Columns.OVERALL_RATE)),
            surface.right("paper"),
            twoDigits(surface.rate("nucleus", Columns.OVERALL_RATE)),
            surface.right("nucleus"),
            percent(surface.get("paper", "closed", Figures.ALL, Columns.QUALITY_LOW), 0),
            percent(surface.get("paper", "closed", Figures.ALL, Columns.QUALITY_HIGH), 0),
            percent(surface.get("nucleus", "closed", Figures.ALL, Columns.QUALITY_LOW), 0),
            percent(surface.get("nucleus", "closed", Figures.ALL, Columns.QUALITY_HIGH), 0)));
    shows("README.md", "answers " + surface.right("paper") + " of 200 questions, unpruned 200");
    int gone =
        surface.lesions("paper", LesionFigures.NONE_KEPT)
            - surface.lesionsRight("paper", LesionFigures.NONE_KEPT);
    shows(
        "docs/evaluation.md",
        "For "
            + gone
            + " of the "
            + (200 - surface.right("paper"))
            + " lost answers slice anchoring had dropped every slice of the lesion");
  }

  @Test
  void theContinuation() throws IOException {
    Results continuation = Results.read("continuation.csv");
    String best = "nucleus gamma=0 tau=0.98";
    shows(
        "docs/evaluation.md",
        "`nucleus` with gamma 0 and tau 0.98, "
            + percent(continuation.accuracy(best), 1)
            + " % of the answers at "
            + twoDigits(continuation.rate(best, Columns.OVERALL_RATE))
            + " % of the tokens");
    shows(
        "docs/evaluation.md",
        "tau 0.99 gives " + percent(continuation.accuracy("paper gamma=0 tau=0.99"), 1) + " %");
    // As the text says, the grid itself has no point within a percentage point of unpruned.
    Results surface = Results.read("surface.csv");
    for (String preset : List.of("paper", "nucleus")) {
      for (String gamma : GAMMAS) {
        for (String tau : TAUS) {
          assertTrue(surface.accuracy(setting(preset, gamma, tau)) < 0.99, preset + gamma + tau);
        }
      }
    }
  }

  @Test
  void theLesions() throws IOException {
    Results surface = Results.read("surface.csv");
    Map<String, List<String>> rows = new HashMap<>();
    rows.put("none of its slices kept", List.of(LesionFigures.NONE_KEPT));
    rows.put("some or all kept", List.of(LesionFigures.SOME_KEPT, LesionFigures.ALL_KEPT));
    rows.put("small (14 to 22 mm)", List.of("small"));
    for (String same : List.of("typical", "faint", "liver", "left lung", "right lung", "spleen")) {
      rows.put(same, List.of(same));
    }
    for (Map.Entry<String, List<String>> row : rows.entrySet()) {
      StringBuilder line = new StringBuilder("| ").append(row.getKey()).append(" |");
      for (String preset : List.of("paper", "nucleus")) {
        int right = row.getValue().stream().mapToInt(g -> surface.lesionsRight(preset, g)).sum();
        int all = row.getValue().stream().mapToInt(g -> surface.lesions(preset, g)).sum();
        line.append(' ').append(right).append(" of ").append(all).append(" |");
      }
      shows("docs/phantom.md", line.toString());
    }
    // Where nothing is left, organs and sides are right as often as one constant answer is.
    for (String tau : TAUS) {
      String blind = setting("paper", "0.2", tau);
      assertEquals(130, surface.lesions(blind, LesionFigures.NONE_KEPT));
      assertEquals(0.25, surface.get(blind, "closed", "organ", "strict_accuracy"));
      assertEquals(0.5, surface.get(blind, "closed", "side", "strict_accuracy"));
    }
    String blind = setting("paper", "0.2", "0.9");
    shows(
        "docs/phantom.md",
        String.format(
            Locale.ROOT,
            "%d of %d are right about the spleen, %d of %d about the left lung, %d of %d about the"
                + " liver and %d of %d about the right lung",
            surface.lesionsRight(blind, "spleen"),
            surface.lesions(blind, "spleen"),
            surface.lesionsRight(blind, "left lung"),
            surface.lesions(blind, "left lung"),
            surface.lesionsRight(blind, "liver"),
            surface.lesions(blind, "liver"),
            surface.lesionsRight(blind, "right lung"),
            surface.lesions(blind, "right lung")));
    String some = LesionFigures.SOME_KEPT;
    shows(
        "docs/phantom.md",
        String.format(
            Locale.ROOT,
            "%d of %d answers are right at tau 0.1 and %d of %d at tau 0.9",
            surface.lesionsRight("paper gamma=0.02 tau=0.1", some),
            surface.lesions("paper gamma=0.02 tau=0.1", some),
            surface.lesionsRight("paper gamma=0.02 tau=0.9", some),
            surface.lesions("paper gamma=0.02 tau=0.9", some)));
    shows(
        "docs/phantom.md",
        String.format(
            Locale.ROOT,
            "under `paper`, of 130, none at 0.01, %d at 0.02, %d at 0.05, %d at 0.1, %d at 0.2",
            surface.lesions("paper gamma=0.02 tau=0.9", LesionFigures.NONE_KEPT),
            surface.lesions("paper", LesionFigures.NONE_KEPT),
            surface.lesions("paper gamma=0.1 tau=0.9", LesionFigures.NONE_KEPT),
            surface.lesions("paper gamma=0.2 tau=0.9", LesionFigures.NONE_KEPT)));
    assertEquals(0, surface.lesions("paper gamma=0.01 tau=0.9", LesionFigures.NONE_KEPT));
  }
}
