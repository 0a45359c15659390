package org.medpruner.bench.lesion;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.medpruner.InputException;
import org.medpruner.SliceAnchor;
import org.medpruner.volume.Recipe;

/**
 * Inserts spheres into volumes and counts which of the slices that show them stage 1 keeps, and
 * what each setting keeps of the volume without them. Prints Markdown; the figures depend on the
 * volumes and the seed alone.
 *
 * <p>Arguments: {@code [--lesions N] [--seed N] [--max-slices N] [--ct] VOLUME...}. Of each
 * diameter and contrast N lesions, 20 if not given; {@code --max-slices} (85) and {@code --ct}, CT
 * windows instead of least to greatest value, are for the volumes after them.
 */
public final class LesionStudy {
  private static final double[] DIAMETERS_MM = {3, 5, 10, 15, 20, 30};

  /** Of the range shown: a subtle, a usual and a strong contrast of lesions on CT and MRI. */
  private static final double[] CONTRASTS = {0.1, 0.2, 0.4};

  private LesionStudy() {}

  /** What one setting made of the lesions of one diameter. */
  private static final class Tally {
    private int lesions;
    private int seen;
    private int centres;
    private int slices;
    private int kept;

    private String text() {
      return String.format(
          "%d / %d / %d", percent(kept, slices), percent(seen, lesions), percent(centres, lesions));
    }
  }

  private static long percent(int part, int whole) {
    return Math.round(100.0 * part / whole);
  }

  /** Exit status 0, or 2 for a wrong call. */
  public static void main(String[] arguments) {
    Locale.setDefault(Locale.ROOT);
    LesionOptions options = new LesionOptions(1, 1, List.of());
    List<Subject> subjects = new ArrayList<>();
    try {
      options = LesionOptions.parse(arguments);
      options.volumes().forEach(v -> subjects.add(read(v)));
    } catch (IllegalArgumentException | InputException e) {
      usage(String.valueOf(e.getMessage()));
    }
    for (Subject subject : subjects) {
      study(subject, options.lesions(), options.seed(), System.out);
    }
  }

  private static Subject read(LesionOptions.Volume volume) {
    Recipe recipe = volume.ct() ? Recipe.ctWindows() : Recipe.minMax();
    return Subject.read(volume.path(), recipe, volume.mostSlices());
  }

  private static void usage(String problem) {
    System.err.println("bench lesions: " + problem);
    System.err.println("bench lesions [--lesions N] [--seed N] [--max-slices N] [--ct] VOLUME...");
    System.exit(2);
  }

  private static void study(Subject subject, int lesions, long seed, PrintStream out) {
    List<Setting> settings = Setting.all();
    List<SliceAnchor.Result> without = new ArrayList<>();
    for (Setting s : settings) {
      without.add(s.run(subject.resized(), subject.channels(), subject.spacingMm()));
    }
    List<Map<Double, Tally>> tallies = new ArrayList<>();
    settings.forEach(s -> tallies.add(new TreeMap<>()));
    Random random = new Random(seed);
    for (double diameter : DIAMETERS_MM) {
      for (double contrast : CONTRASTS) {
        for (int n = 0; n < lesions; n++) {
          Lesion lesion = subject.place(random, diameter, contrast * 255);
          Inserted inserted = Inserted.of(subject, lesion);
          for (int s = 0; s < settings.size(); s++) {
            boolean[] kept = inserted.kept(subject, settings.get(s), without.get(s));
            count(
                tallies.get(s).computeIfAbsent(diameter, d -> new Tally()),
                subject,
                inserted,
                kept);
          }
        }
      }
    }
    print(subject, settings, without, tallies, out);
  }

  private static void count(Tally tally, Subject subject, Inserted inserted, boolean[] kept) {
    tally.lesions++;
    boolean seen = false;
    for (int i = inserted.first(); i <= inserted.last(); i++) {
      if (subject.shows(i, inserted.lesion())) {
        tally.slices++;
        tally.kept += kept[i - inserted.first()] ? 1 : 0;
        seen |= kept[i - inserted.first()];
      }
    }
    tally.seen += seen ? 1 : 0;
    tally.centres += kept[subject.centre(inserted.lesion()) - inserted.first()] ? 1 : 0;
  }

  private static void print(
      Subject subject,
      List<Setting> settings,
      List<SliceAnchor.Result> without,
      List<Map<Double, Tally>> tallies,
      PrintStream out) {
    out.println("\n" + subject.description() + "\n");
    StringBuilder head = new StringBuilder("| setting | slices kept |");
    StringBuilder rule = new StringBuilder("|---|---|");
    for (double d : DIAMETERS_MM) {
      head.append(" ").append((int) d).append(" mm |");
      rule.append("---|");
    }
    out.println(head);
    out.println(rule);
    for (int s = 0; s < settings.size(); s++) {
      StringBuilder row =
          new StringBuilder(
              String.format(
                  "| %s | %d %% |",
                  settings.get(s), percent(without.get(s).keptIndices().length, subject.count())));
      tallies.get(s).values().forEach(t -> row.append(" ").append(t.text()).append(" |"));
      out.println(row);
    }
  }
}
