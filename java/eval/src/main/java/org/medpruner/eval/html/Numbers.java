package org.medpruner.eval.html;

import java.util.Locale;

/** Numbers as text, the same in every locale. */
public final class Numbers {
  private static final String[] BYTE_UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

  private Numbers() {}

  /** "12,345". */
  public static String count(long n) {
    return String.format(Locale.ROOT, "%,d", n);
  }

  /** "5.3 %" of a share in [0, 1]; "n/a" when it is not a number. */
  public static String percent(double share) {
    if (!Double.isFinite(share)) {
      return "n/a";
    }
    double p = share * 100;
    // Two digits below 10 %: retention of a few per cent is where presets differ.
    String pattern = p == 0 || Math.abs(p) >= 99.95 ? "%.0f %%" : p < 10 ? "%.2f %%" : "%.1f %%";
    return String.format(Locale.ROOT, pattern, p);
  }

  /** "3.1 MiB", binary units. */
  public static String bytes(long n) {
    double v = n;
    int unit = 0;
    while (Math.abs(v) >= 1024 && unit < BYTE_UNITS.length - 1) {
      v /= 1024;
      unit++;
    }
    return unit == 0
        ? count(n) + " B"
        : String.format(Locale.ROOT, v < 10 ? "%.2f %s" : "%.1f %s", v, BYTE_UNITS[unit]);
  }

  /** "12 ms", "1.24 s", "3 min 05 s". */
  public static String seconds(double s) {
    if (!Double.isFinite(s) || s < 0) {
      return "n/a";
    }
    if (s < 0.0995) {
      return String.format(Locale.ROOT, s < 0.00995 ? "%.1f ms" : "%.0f ms", s * 1000);
    }
    if (s < 59.95) {
      return String.format(Locale.ROOT, s < 9.995 ? "%.2f s" : "%.1f s", s);
    }
    long whole = Math.round(s);
    return String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60);
  }

  /** A distance or a mass with four significant digits; "NaN" and infinities by name. */
  public static String value(double v) {
    if (Double.isNaN(v)) {
      return "NaN";
    }
    if (Double.isInfinite(v)) {
      return v > 0 ? "+Infinity" : "\u2212Infinity";
    }
    if (v == 0) {
      return "0";
    }
    double a = Math.abs(v);
    String text =
        a >= 1000 || a < 0.0001
            ? String.format(Locale.ROOT, "%.3g", a)
            : String.format(
                Locale.ROOT, "%." + Math.max(0, 3 - (int) Math.floor(Math.log10(a))) + "f", a);
    return v < 0 ? "\u2212" + text : text;
  }

  /** A value without trailing zeros, for policy fields and axis ticks: "0.05", "8", "Infinity". */
  public static String plain(double v) {
    if (v == Math.rint(v) && Math.abs(v) < 1e15) {
      return Long.toString((long) v);
    }
    return Double.toString(v);
  }

  /** A signed position, "+34.5 mm"; empty when unknown. */
  public static String millimetres(double v) {
    if (!Double.isFinite(v)) {
      return "";
    }
    String text = String.format(Locale.ROOT, "%.1f mm", Math.abs(v));
    return (v < 0 ? "\u2212" : "+") + text;
  }

  /** A coordinate for SVG: at most two decimals, no trailing zeros. */
  public static String svg(double v) {
    long hundredths = Math.round(v * 100);
    if (hundredths % 100 == 0) {
      return Long.toString(hundredths / 100);
    }
    String s = (hundredths < 0 ? "-" : "") + Math.abs(hundredths) / 100 + ".";
    long rest = Math.abs(hundredths) % 100;
    return rest % 10 == 0 ? s + rest / 10 : s + (rest < 10 ? "0" : "") + rest;
  }
}
