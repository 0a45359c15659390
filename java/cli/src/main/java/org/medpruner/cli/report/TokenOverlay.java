package org.medpruner.cli.report;

import org.medpruner.ContextualMerge;
import org.medpruner.PruningReport.TokenDetail;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;

/** What stage 2 did to one slice, as SVG layers over its picture. */
final class TokenOverlay {
  private static final byte MERGED = ContextualMerge.ROLE_MERGED;
  private static final byte NUCLEUS = ContextualMerge.ROLE_NUCLEUS;
  private static final byte TARGET = ContextualMerge.ROLE_TARGET;

  /** Longest side of the drawing's own coordinates. */
  private static final double SIDE = 1000;

  private final TokenDetail detail;
  private final double width;
  private final double height;
  private final double cellW;
  private final double cellH;

  TokenOverlay(TokenDetail detail, int pictureHeight, int pictureWidth) {
    this.detail = detail;
    double longest = Math.max(pictureHeight, pictureWidth);
    width = SIDE * pictureWidth / longest;
    height = SIDE * pictureHeight / longest;
    cellW = width / detail.gridWidth();
    cellH = height / detail.gridHeight();
  }

  /** Writes the layers: veil over merged tokens, attention, nucleus outlines, targets. */
  void write(Html h, HeatScale heat) {
    h.open(
        "svg",
        "class",
        "over",
        "viewBox",
        "0 0 " + Numbers.svg(width) + " " + Numbers.svg(height),
        "preserveAspectRatio",
        "none",
        "aria-hidden",
        "true",
        "focusable",
        "false");
    h.empty("path", "class", "l-veil", "d", cells(MERGED));
    h.empty(
        "image",
        "class",
        "l-heat",
        "href",
        heat.picture(detail),
        "width",
        Numbers.svg(width),
        "height",
        Numbers.svg(height),
        "preserveAspectRatio",
        "none");
    // The tint tells inside from outside where a nucleus has holes.
    h.empty("path", "class", "l-nuc tint", "d", cells(NUCLEUS));
    String outline = outline();
    h.empty("path", "class", "l-nuc halo", "d", outline);
    h.empty("path", "class", "l-nuc line", "d", outline);
    h.empty("path", "class", "l-tgt", "d", diamonds());
    h.empty("path", "class", "l-pick", "d", "");
    h.closeLine();
  }

  /** Every cell of a role as a rectangle. */
  private String cells(byte role) {
    StringBuilder d = new StringBuilder();
    for (int i = 0; i < detail.role().length; i++) {
      if (detail.role()[i] == role) {
        int row = i / detail.gridWidth();
        d.append('M').append(Numbers.svg(i % detail.gridWidth() * cellW)).append(' ');
        d.append(Numbers.svg(row * cellH));
        d.append('h').append(Numbers.svg(cellW)).append('v').append(Numbers.svg(cellH));
        d.append("h-").append(Numbers.svg(cellW)).append('z');
      }
    }
    return d.toString();
  }

  /** Borders between nucleus cells and everything else, joined into as few strokes as can be. */
  private String outline() {
    StringBuilder d = new StringBuilder();
    int gw = detail.gridWidth();
    int gh = detail.gridHeight();
    for (int y = 0; y <= gh; y++) {
      for (int x = 0; x < gw; x++) {
        int from = x;
        while (x < gw && nucleus(y - 1, x) != nucleus(y, x)) {
          x++;
        }
        if (x > from) {
          move(d, from * cellW, y * cellH).append('H').append(Numbers.svg(x * cellW));
        }
      }
    }
    for (int x = 0; x <= gw; x++) {
      for (int y = 0; y < gh; y++) {
        int from = y;
        while (y < gh && nucleus(y, x - 1) != nucleus(y, x)) {
          y++;
        }
        if (y > from) {
          move(d, x * cellW, from * cellH).append('V').append(Numbers.svg(y * cellH));
        }
      }
    }
    return d.toString();
  }

  private boolean nucleus(int y, int x) {
    return y >= 0
        && y < detail.gridHeight()
        && x >= 0
        && x < detail.gridWidth()
        && detail.role()[y * detail.gridWidth() + x] == NUCLEUS;
  }

  private String diamonds() {
    StringBuilder d = new StringBuilder();
    double r = Math.min(0.26 * Math.min(cellW, cellH), SIDE / 40);
    for (int i = 0; i < detail.role().length; i++) {
      if (detail.role()[i] == TARGET) {
        int row = i / detail.gridWidth();
        double x = (i % detail.gridWidth() + 0.5) * cellW;
        double y = (row + 0.5) * cellH;
        String s = Numbers.svg(r);
        move(d, x, y - r).append('l').append(s).append(' ').append(s);
        d.append('l').append('-').append(s).append(' ').append(s);
        d.append('l').append('-').append(s).append(" -").append(s).append('z');
      }
    }
    return d.toString();
  }

  private static StringBuilder move(StringBuilder d, double x, double y) {
    return d.append('M').append(Numbers.svg(x)).append(' ').append(Numbers.svg(y));
  }

  /** Attention mass per token, raster order, for the pointer's readout. */
  String masses() {
    StringBuilder out = new StringBuilder();
    for (float m : detail.mass()) {
      out.append(out.isEmpty() ? "" : " ").append(Float.isFinite(m) ? Numbers.svg(m) : "NaN");
    }
    return out.toString();
  }

  /** One digit per token: 0 merged away, 1 nucleus, 2 contextual target. */
  String roles() {
    StringBuilder out = new StringBuilder();
    for (byte r : detail.role()) {
      out.append(r == NUCLEUS || r == TARGET ? r : MERGED);
    }
    return out.toString();
  }

  /** The token that stands for each token, raster order. */
  String assignments() {
    StringBuilder out = new StringBuilder();
    for (int a : detail.assignment()) {
      out.append(out.isEmpty() ? "" : " ").append(a);
    }
    return out.toString();
  }
}
