package org.medpruner.cli.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.PruningReport.TokenDetail;
import org.medpruner.eval.html.Pictures;
import org.medpruner.volume.SliceImages;

/** What the sections share: the model, its runs and the encoded pictures. */
final class Page {
  /** Large pictures on one page at most: more are slow to open and nobody scrolls through them. */
  static final int MOST_LARGE = 48;

  /** Characters of thumbnails and of large pictures; both leave a 6 MB page room for its markup. */
  private static final long THUMBNAIL_BUDGET = 1_900_000;

  private static final long LARGE_BUDGET = 2_800_000;

  private final ReportModel model;
  private final Runs runs;
  private final List<String> thumbnails;
  private final List<Integer> large;
  private final List<String> largePictures;
  private final HeatScale heat;
  private final @Nullable Sides sides;

  Page(ReportModel model) {
    this.model = model;
    runs = new Runs(model.report());
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < model.slices().count(); i++) {
      all.add(i);
    }
    thumbnails = Pictures.thumbnails(model.slices(), all, THUMBNAIL_BUDGET);
    large = spread(runs.kept(), MOST_LARGE);
    largePictures = Pictures.large(model.slices(), large, LARGE_BUDGET);
    heat = HeatScale.of(large.stream().map(i -> slice(i)).toList());
    sides =
        model.facts().entrySet().stream()
            .filter(e -> e.getKey().equalsIgnoreCase(ReportModel.ORIENTATION))
            .map(e -> Sides.of(e.getValue()))
            .filter(Objects::nonNull)
            .findFirst()
            .orElse(null);
  }

  /**
   * What lies at the sides of every picture.
   *
   * @param left "Right" of the patient or "Anterior"
   * @param right its opposite
   */
  record Sides(String left, String right) {
    private static @Nullable Sides of(String orientation) {
      if (orientation.contains(ReportModel.PATIENT_RIGHT_AT_LEFT)) {
        return new Sides("Right", "Left");
      }
      return orientation.contains(ReportModel.ANTERIOR_AT_LEFT)
          ? new Sides("Anterior", "Posterior")
          : null;
    }

    /** "Patient right is at image left." and its like. */
    String sentence() {
      return (left.equals("Right") ? "Patient right" : left) + " is at image left.";
    }
  }

  /** At most {@code most} of the items, evenly spread, the first and the last among them. */
  private static List<Integer> spread(List<Integer> items, int most) {
    if (items.size() <= most) {
      return List.copyOf(items);
    }
    List<Integer> out = new ArrayList<>(most);
    for (int k = 0; k < most; k++) {
      out.add(items.get((int) Math.round((double) k * (items.size() - 1) / (most - 1))));
    }
    return out;
  }

  ReportModel model() {
    return model;
  }

  PruningReport report() {
    return model.report();
  }

  SliceImages slices() {
    return model.slices();
  }

  int count() {
    return model.report().slices().size();
  }

  SliceReport slice(int i) {
    return model.report().slices().get(i);
  }

  Runs runs() {
    return runs;
  }

  String thumbnail(int i) {
    return thumbnails.get(i);
  }

  /** Positions of the slices that have a large picture, ascending. */
  List<Integer> large() {
    return large;
  }

  /** Large picture of the {@code k}-th entry of {@link #large()}. */
  String largePicture(int k) {
    return largePictures.get(k);
  }

  HeatScale heat() {
    return heat;
  }

  /** What lies at the sides of the pictures, null when the facts do not say. */
  @Nullable Sides sides() {
    return sides;
  }

  /** Whether any slice has token-level lists that can be drawn. */
  boolean hasTokens() {
    return large.stream().anyMatch(i -> drawable(slice(i)));
  }

  /** Whether the slice has token-level lists whose sizes agree with its grid. */
  static boolean drawable(SliceReport s) {
    TokenDetail d = s.detail();
    return d != null
        && d.gridHeight() > 0
        && d.gridWidth() > 0
        && d.mass().length == d.gridHeight() * d.gridWidth()
        && d.role().length == d.mass().length
        && d.assignment().length == d.mass().length;
  }

  /** Visual tokens given to the language model. */
  long tokensKept() {
    return model.report().slices().stream().mapToLong(SliceReport::tokens).sum();
  }

  /** Visual tokens without pruning; 0 when no model was involved. */
  long tokensAll() {
    return (long) model.report().tokensPerSlice() * count();
  }

  /**
   * Whether stage 1 kept the slice although its distance is not above gamma: a guard did, such as
   * the bound on the gap between kept slices.
   */
  boolean keptByGuard(int i) {
    SliceReport s = slice(i);
    return i > 0
        && s.kept()
        && report().policy().sliceAnchoring()
        && Double.isFinite(s.distance())
        && s.distance() <= report().policy().gamma();
  }
}
