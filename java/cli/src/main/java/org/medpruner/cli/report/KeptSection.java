package org.medpruner.cli.report;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.PruningReport.TokenDetail;
import org.medpruner.eval.html.Chart;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;

/** Kept slices at reading size, with what stage 2 did drawn over them. */
final class KeptSection {
  private KeptSection() {}

  static void write(Html h, Page page) {
    int shown = page.large().size();
    int kept = page.runs().kept().size();
    h.open("section", "id", "kept", "aria-labelledby", "kept-h");
    h.leaf("h2", "Kept slices", "id", "kept-h").raw("\n");
    String lead =
        page.hasTokens()
            ? "Attention mass of the encoder's last layer per token cell, the information nucleus"
                + " and the contextual targets, as given to the language model."
            : page.report().tokensPerSlice() > 0
                ? "Stage 2 did not run on these slices: the language model is given all their"
                    + " tokens, so there are no token layers to draw."
                : "No model ran on the slices, so there are no token layers to draw.";
    if (shown < kept) {
      lead +=
          " This page pictures "
              + shown
              + " of "
              + kept
              + " kept slices, evenly spread; the contact sheet and the table have all.";
    }
    h.leaf("p", lead, "class", "lead");
    if (page.hasTokens()) {
      layer(h, "c-heat", "Attention heat", true);
      layer(h, "c-nuc", "Nucleus outline", true);
      layer(h, "c-tgt", "Contextual targets", true);
      layer(h, "c-veil", "Darken merged tokens", false);
      tokenLegend(h, page.heat());
    }
    h.open("div", "class", "figs");
    for (int k = 0; k < shown; k++) {
      figure(h, page, page.large().get(k), page.largePicture(k));
    }
    h.closeLine();
    h.closeLine();
  }

  /** The checkbox stands beside the figures, not around them: layers toggle without a script. */
  private static void layer(Html h, String id, String text, boolean on) {
    h.empty(
        "input", "type", "checkbox", "id", id, "class", "layer", "checked", on ? "checked" : null);
    h.leaf("label", text, "for", id, "class", "layer-label " + id).raw("\n");
  }

  private static void tokenLegend(Html h, HeatScale heat) {
    h.open("div", "class", "token-legend");
    h.open("div", "class", "heat-key");
    h.leaf("span", "attention mass, slice mean = 1");
    h.open("div", "class", "ramp").open("i", "style", "background:" + heat.gradient());
    h.close().close();
    h.open("div", "class", "ramp-ticks");
    for (double t : heat.ticks()) {
      String label = t == heat.low() ? "\u2264" + Numbers.plain(t) : Numbers.plain(t);
      h.leaf("span", label, "style", "left:" + Numbers.svg(100 * heat.place(t)) + "%");
    }
    h.close();
    h.close();
    h.open("ul", "class", "legend");
    Chart.key(
        h,
        "<rect class=\"key-nuc\" x=\"2.5\" y=\"2.5\" width=\"11\" height=\"11\"/>",
        "nucleus: kept for their attention");
    Chart.key(
        h,
        "<path class=\"key-tgt\" d=\"M8 2.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z\"/>",
        "contextual target: kept, and takes in the merged tokens most like it");
    h.close();
    h.leaf(
        "p",
        "Point at a token to read its mass and to see the token that stands for it.",
        "class",
        "muted small js-only");
    h.closeLine();
  }

  private static void figure(Html h, Page page, int i, String picture) {
    SliceReport s = page.slice(i);
    TokenDetail d = Page.drawable(s) ? s.detail() : null;
    int height = page.slices().height();
    int width = page.slices().width();
    h.open(
        "figure",
        "id",
        "k" + i,
        "class",
        "kf",
        "data-i",
        Integer.toString(i),
        "style",
        String.format(Locale.ROOT, "--ratio:%.4f", (double) width / height));
    TokenOverlay overlay = d == null ? null : new TokenOverlay(d, height, width);
    openPicture(h, d, overlay);
    h.empty(
        "img",
        "src",
        picture,
        "alt",
        SliceText.describe(page, i) + tokensInWords(s, d),
        "width",
        Integer.toString(width),
        "height",
        Integer.toString(height));
    if (overlay != null) {
      overlay.write(h, page.heat());
      h.leaf("output", "", "class", "readout");
    }
    Page.Sides sides = page.sides();
    if (sides != null) {
      h.leaf("span", sides.left().substring(0, 1), "class", "side l", "title", sides.left());
      h.leaf("span", sides.right().substring(0, 1), "class", "side r", "title", sides.right());
    }
    h.closeLine();
    caption(h, page, i, s, d);
    h.closeLine();
  }

  private static void openPicture(Html h, @Nullable TokenDetail d, @Nullable TokenOverlay o) {
    if (d == null || o == null) {
      h.open("div", "class", "pic");
      return;
    }
    h.open(
        "div",
        "class",
        "pic",
        "data-w",
        Integer.toString(d.gridWidth()),
        "data-h",
        Integer.toString(d.gridHeight()),
        "data-role",
        o.roles(),
        "data-mass",
        o.masses(),
        "data-for",
        o.assignments());
  }

  private static String tokensInWords(SliceReport s, @Nullable TokenDetail d) {
    return d == null
        ? ""
        : "; "
            + s.nucleus()
            + " nucleus tokens and "
            + s.targets()
            + " contextual targets of "
            + d.mass().length
            + " tokens";
  }

  private static void caption(Html h, Page page, int i, SliceReport s, @Nullable TokenDetail d) {
    h.open("figcaption");
    h.open("div", "class", "fc-head").leaf("b", "Slice " + i);
    String mm = Numbers.millimetres(s.positionMm());
    if (!mm.isEmpty()) {
      h.leaf("span", mm);
    }
    h.leaf("button", "Enlarge", "type", "button", "class", "zoom js-only").close();
    if (d != null) {
      h.open("div", "class", "fc-tokens");
      h.open("span").leaf("b", Integer.toString(s.nucleus()), "class", "n");
      h.text(" nucleus + ").leaf("b", Integer.toString(s.targets()), "class", "g");
      h.text(" targets of " + d.mass().length).close();
      h.close();
      h.leaf("div", "nucleus mass " + Numbers.percent(s.massKept()), "class", "muted");
    } else if (s.tokens() > 0) {
      h.leaf("div", s.tokens() + " tokens, not pruned", "class", "muted");
    }
    int n = page.runs().members(i).size();
    h.open("div", "class", "muted").text("stands for ");
    h.leaf(
        "a",
        n == 1 ? "itself alone" : "slices " + page.runs().range(i),
        "href",
        "#s" + i,
        "title",
        "Show in the contact sheet");
    h.close();
    if (!Double.isFinite(s.distance())) {
      h.leaf("div", "pixels not finite: kept and flagged", "class", "bad-text");
    }
    h.close();
  }
}
