package org.medpruner.eval.html;

/** Pieces of charts: the picture, its lines and texts, the keys of its legend. */
public final class Chart {
  private Chart() {}

  /**
   * Opens the picture and the box around it; {@code h} closes both.
   *
   * @param label what it shows, for those who cannot see it
   */
  public static void open(Html h, double width, double height, String label) {
    h.open("div", "class", "chart");
    h.open(
        "svg",
        "viewBox",
        "0 0 " + Numbers.svg(width) + " " + Numbers.svg(height),
        "role",
        "img",
        "aria-label",
        label);
  }

  /** Draws a straight line. */
  public static void line(Html h, String cssClass, double x1, double x2, double y1, double y2) {
    h.empty(
        "line",
        "class",
        cssClass,
        "x1",
        Numbers.svg(x1),
        "x2",
        Numbers.svg(x2),
        "y1",
        Numbers.svg(y1),
        "y2",
        Numbers.svg(y2));
  }

  /** Writes a text. */
  public static void text(Html h, String text, String cssClass, double x, double y) {
    h.leaf("text", text, "class", cssClass, "x", Numbers.svg(x), "y", Numbers.svg(y));
  }

  /**
   * Writes an item of a legend's list.
   *
   * @param shape SVG of 16 x 16 units, trusted
   */
  public static void key(Html h, String shape, String text) {
    h.open("li").open("svg", "viewBox", "0 0 16 16", "aria-hidden", "true");
    h.raw(shape).close().text(text).close();
  }
}
