package org.medpruner.cli.report;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.PruningReport.TokenDetail;
import org.medpruner.eval.html.Pictures;

/**
 * Colours of attention mass, one logarithmic scale for the whole page, so that slices compare. Mass
 * has mean 1 on every slice; an attention sink can hold most of the total, which a linear scale
 * would turn into one bright cell on black.
 */
final class HeatScale {
  /** The mean and less is transparent: there the anatomy matters more than the colour. */
  private static final double LOW = 1;

  /** Least upper end, so that a flat slice does not look structured. */
  private static final double LEAST_HIGH = 4;

  /** Position in [0, 1], red, green, blue, opacity in [0, 1]. */
  private static final double[][] STOPS = {
    {0.00, 120, 20, 90, 0.00},
    {0.15, 175, 30, 70, 0.30},
    {0.50, 236, 84, 20, 0.48},
    {0.75, 253, 165, 25, 0.58},
    {1.00, 255, 246, 165, 0.72}
  };

  private final double high;

  private HeatScale(double high) {
    this.high = high;
  }

  /** The scale that reaches the largest finite mass of the given slices. */
  static HeatScale of(List<SliceReport> slices) {
    double high = LEAST_HIGH;
    for (SliceReport s : slices) {
      TokenDetail d = s.detail();
      if (d != null) {
        for (float m : d.mass()) {
          high = Float.isFinite(m) ? Math.max(high, m) : high;
        }
      }
    }
    return new HeatScale(high);
  }

  /** Mass at the bright end. */
  double high() {
    return high;
  }

  /** Mass at the transparent end. */
  double low() {
    return LOW;
  }

  /** Round masses inside the scale, for its legend. */
  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    int octaves = (int) Math.floor(Math.log(high / LOW) / Math.log(2) + 1e-9);
    int step = Math.max(1, (octaves + 5) / 6);
    for (int k = 0; k <= octaves; k += step) {
      ticks.add(LOW * Math.pow(2, k));
    }
    return ticks;
  }

  /** Place of a mass on the scale, in [0, 1]. */
  double place(double mass) {
    return mass <= LOW ? 0 : Math.min(1, Math.log(mass / LOW) / Math.log(high / LOW));
  }

  /** Non-premultiplied ARGB; a mass that is not finite is opaque red. */
  int argb(double mass) {
    if (!Double.isFinite(mass)) {
      return 0xFFE5484D;
    }
    double t = place(mass);
    int k = 1;
    while (k < STOPS.length - 1 && t > STOPS[k][0]) {
      k++;
    }
    double[] a = STOPS[k - 1];
    double[] b = STOPS[k];
    double f = (t - a[0]) / (b[0] - a[0]);
    int alpha = (int) Math.round(255 * (a[4] + f * (b[4] - a[4])));
    int rgb = 0;
    for (int c = 1; c <= 3; c++) {
      rgb = rgb << 8 | (int) Math.round(a[c] + f * (b[c] - a[c]));
    }
    return alpha << 24 | rgb;
  }

  /** One pixel per token, as a PNG data URI to be drawn enlarged without smoothing. */
  String picture(TokenDetail d) {
    int[] argb = new int[d.mass().length];
    for (int i = 0; i < argb.length; i++) {
      argb[i] = argb(d.mass()[i]);
    }
    BufferedImage image =
        new BufferedImage(d.gridWidth(), d.gridHeight(), BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, d.gridWidth(), d.gridHeight(), argb, 0, d.gridWidth());
    return Pictures.png(image);
  }

  /** The scale as a CSS gradient, left to right. */
  String gradient() {
    StringBuilder css = new StringBuilder("linear-gradient(90deg");
    for (double[] s : STOPS) {
      css.append(
          String.format(
              Locale.ROOT,
              ",rgba(%.0f,%.0f,%.0f,%.2f) %.0f%%",
              s[1],
              s[2],
              s[3],
              s[4],
              s[0] * 100));
    }
    return css.append(')').toString();
  }
}
