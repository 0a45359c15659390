package org.medpruner.volume;

/**
 * An intensity window: {@code low} and less becomes 0, {@code high} and more 255.
 *
 * @param low lower edge, in the volume's values (HU for CT)
 * @param high upper edge, above {@code low}
 */
public record Window(double low, double high) {

  /** Checks that both are finite and ascend, also after rounding to float32. */
  public Window {
    if (!Float.isFinite((float) low)
        || !Float.isFinite((float) high)
        || !((float) low < (float) high)
        || !Float.isFinite((float) (high - low))) {
      throw new IllegalArgumentException(
          "a window needs finite low < high, not [" + low + ", " + high + "]");
    }
  }

  /**
   * The grey level of {@code value}: {@code (clip(v, low, high) - low) / (high - low) * 255} in
   * float32, rounded half to even. NaN and infinities are not for this method.
   */
  byte grey(double value) {
    float lo = (float) low;
    float hi = (float) high;
    float v = Math.min(Math.max((float) value, lo), hi);
    return (byte) (int) Math.rint((v - lo) / (float) (high - low) * 255f);
  }

  @Override
  public String toString() {
    return "[" + plain(low) + "," + plain(high) + "]";
  }

  static String plain(double v) {
    return v == Math.rint(v) && Math.abs(v) < 1e15 ? Long.toString((long) v) : Double.toString(v);
  }
}
