package org.medpruner.cli.report;

import java.util.HashSet;
import java.util.Set;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;
import org.medpruner.eval.html.Pictures;

/** Every presented slice as a small picture: kept ones framed, dropped ones dimmed and linked. */
final class ContactSheet {
  /** From this many slices on, cells are smaller. */
  private static final int MANY = 120;

  private static final String ALL_KEPT = "Every slice was kept. Follow one to see it large.";

  private static final String SOME_DROPPED =
      "Framed slices were kept; \u00d7n is the number of slices they stand for, themselves"
          + " included. Dimmed slices were dropped and carry the name of the slice that stands for"
          + " them: \u2192 12. Hover, focus or follow one to see its anchor and the whole run."
          + " Neighbouring runs have different ground colours.";

  private ContactSheet() {}

  static void write(Html h, Page page) {
    Set<Integer> large = new HashSet<>(page.large());
    Page.Sides sides = page.sides();
    h.open("section", "id", "sheet", "aria-labelledby", "sheet-h");
    String heading =
        page.count() == 1 ? "The slice" : "All " + Numbers.count(page.count()) + " slices";
    h.leaf("h2", heading, "id", "sheet-h").raw("\n");
    h.leaf(
        "p",
        (page.runs().kept().size() == page.count() ? ALL_KEPT : SOME_DROPPED)
            + (sides != null
                ? " " + sides.sentence()
                : " The orientation of the pictures was not given: no side is marked."),
        "class",
        "lead");
    h.open("div", "class", page.count() > MANY ? "sheet many" : "sheet");
    for (int i = 0; i < page.count(); i++) {
      cell(h, page, i, large.contains(i));
    }
    h.closeLine();
    h.leaf(
        "p",
        "Pixels: "
            + page.slices().recipe()
            + (Pictures.grey(page.slices())
                ? ""
                : ". Red, green and blue are the three channels that the encoder is given."),
        "class",
        "muted small");
    h.closeLine();
  }

  private static void cell(Html h, Page page, int i, boolean hasLarge) {
    SliceReport s = page.slice(i);
    int anchor = page.runs().anchor(i);
    String words = SliceText.describe(page, i);
    h.open(
        "a",
        "id",
        "s" + i,
        "class",
        "t "
            + (s.kept() ? "kept" : "dropped")
            + (page.runs().second(i) ? " b" : "")
            + (Double.isFinite(s.distance()) ? "" : " bad"),
        "href",
        !s.kept() ? "#s" + anchor : hasLarge ? "#k" + i : "#s" + i,
        "title",
        words,
        "data-i",
        Integer.toString(i),
        "data-a",
        Integer.toString(anchor));
    h.open("span", "class", "ph");
    h.empty(
        "img",
        "src",
        page.thumbnail(i),
        "alt",
        words,
        "width",
        Integer.toString(page.slices().width()),
        "height",
        Integer.toString(page.slices().height()));
    if (!Double.isFinite(s.distance())) {
      h.leaf("em", "!", "aria-hidden", "true");
    }
    h.close();
    h.open("span", "class", "cap").leaf("b", Integer.toString(i));
    if (!s.kept()) {
      h.leaf("span", "\u2192 " + anchor);
    } else {
      h.leaf("span", "\u00d7" + page.runs().members(i).size());
    }
    h.close();
    h.closeLine();
  }
}
