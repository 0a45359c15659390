package org.medpruner.eval.report;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.Sample;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;
import org.medpruner.eval.html.SliceSheet;
import org.medpruner.volume.SliceImages;

/** Sheets of all slices of the volumes shown, each in the page once, however often it is shown. */
final class VolumeSheets {
  /** Characters of all sheets of a page; 24 volumes of 85 slices fit at the smallest cell. */
  private static final long BUDGET = 3_000_000;

  private static final int COLUMNS = 16;
  private static final int[] CELLS = {72, 56, 40, 28};

  private final Function<Sample, @Nullable SliceImages> pictures;
  private final Map<String, Sheet> sheets = new LinkedHashMap<>();
  private final Set<String> missing = new HashSet<>();
  private long spent;

  /**
   * A sheet and its place on the page.
   *
   * @param id of its element
   * @param sheet the picture
   * @param slices how many it has
   */
  record Sheet(String id, SliceSheet sheet, int slices) {
    int width() {
      return sheet.columns() * sheet.cell();
    }

    int height() {
      return sheet.rows() * sheet.cell();
    }
  }

  /**
   * Sheets from pictures that are read when they are needed.
   *
   * @param pictures of a sample's volume; null, or an error, when they cannot be read
   */
  VolumeSheets(Function<Sample, @Nullable SliceImages> pictures) {
    this.pictures = pictures;
  }

  /**
   * The sheet of a sample's volume, or null when it cannot be read, has another number of slices
   * than the run saw, or no room is left.
   */
  @Nullable Sheet of(Sample sample, int slices, int volumesExpected) {
    String volume = sample.volume();
    Sheet known = sheets.get(volume);
    if (known != null || missing.contains(volume)) {
      return known;
    }
    SliceSheet sheet = draw(sample, slices, BUDGET / Math.max(1, volumesExpected));
    if (sheet == null || spent + sheet.uri().length() > BUDGET) {
      missing.add(volume);
      return null;
    }
    spent += sheet.uri().length();
    Sheet made = new Sheet("sheet-" + (sheets.size() + 1), sheet, slices);
    sheets.put(volume, made);
    return made;
  }

  private @Nullable SliceSheet draw(Sample sample, int slices, long budget) {
    SliceImages images;
    try {
      images = pictures.apply(sample);
    } catch (RuntimeException e) {
      // The figures do not depend on the pictures, and the volume may be gone since the run.
      return null;
    }
    if (images == null || images.count() != slices) {
      return null;
    }
    SliceSheet last = null;
    for (int cell : CELLS) {
      last = SliceSheet.of(images, Math.min(COLUMNS, slices), cell);
      if (last.uri().length() <= budget) {
        return last;
      }
    }
    return Objects.requireNonNull(last);
  }

  /** Writes the pictures that the figures refer to, unseen themselves. */
  void definitions(Html h) {
    h.open("svg", "class", "defs", "width", "0", "height", "0", "aria-hidden", "true").open("defs");
    for (Sheet s : sheets.values()) {
      h.empty(
          "image",
          "id",
          s.id,
          "href",
          s.sheet.uri(),
          "width",
          Integer.toString(s.width()),
          "height",
          Integer.toString(s.height()));
    }
    h.close();
    h.closeLine();
  }

  /** Writes a sheet with the kept slices framed and the others dimmed. */
  static void figure(Html h, Sheet s, List<Integer> kept, String caption) {
    h.open("figure", "class", "strip");
    h.open(
        "svg",
        "viewBox",
        "0 0 " + s.width() + " " + s.height(),
        "role",
        "img",
        "aria-label",
        caption);
    h.empty("use", "href", "#" + s.id);
    Set<Integer> keep = new HashSet<>(kept);
    StringBuilder dim = new StringBuilder();
    StringBuilder frames = new StringBuilder();
    int cell = s.sheet.cell();
    for (int i = 0; i < s.slices; i++) {
      int x = i % s.sheet.columns() * cell;
      int y = i / s.sheet.columns() * cell;
      boolean shown = keep.contains(i);
      double inset = shown ? 1.5 : 0;
      double side = cell - 2 * inset;
      (shown ? frames : dim)
          .append('M')
          .append(Numbers.svg(x + inset))
          .append(' ')
          .append(Numbers.svg(y + inset))
          .append('h')
          .append(Numbers.svg(side))
          .append('v')
          .append(Numbers.svg(side))
          .append('h')
          .append(Numbers.svg(-side))
          .append('z');
    }
    if (!dim.isEmpty()) {
      h.empty("path", "class", "dim", "d", dim.toString());
      h.empty("path", "class", "keep", "d", frames.toString());
    }
    h.close();
    h.leaf("figcaption", caption);
    h.closeLine();
  }
}
