package org.medpruner.volume.dicom;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The kept elements of one data set or sequence item. */
final class DataSet {
  /** What {@code Double.parseDouble} takes and a decimal string may hold. */
  private static final Pattern DECIMAL =
      Pattern.compile("[+-]?(\\d{1,60}(\\.\\d{0,60})?|\\.\\d{1,60})([eE][+-]?\\d{1,4})?");

  private static final Pattern INTEGER = Pattern.compile("[+-]?\\d{1,10}");

  private final ByteOrder order;

  // There may be a hundred thousand items, and few have values and sequences.
  private Map<Integer, byte[]> values = Map.of();
  private Map<Integer, List<DataSet>> sequences = Map.of();

  DataSet(ByteOrder order) {
    this.order = order;
  }

  void put(int tag, byte[] value) {
    values = values.isEmpty() ? new HashMap<>() : values;
    values.put(tag, value);
  }

  void put(int tag, List<DataSet> items) {
    sequences = sequences.isEmpty() ? new HashMap<>() : sequences;
    sequences.put(tag, items);
  }

  boolean hasSequence(int tag) {
    return !items(tag).isEmpty();
  }

  List<DataSet> items(int tag) {
    return sequences.getOrDefault(tag, List.of());
  }

  /** The first item of a sequence, null when there is none. */
  @Nullable DataSet first(int tag) {
    List<DataSet> items = items(tag);
    return items.isEmpty() ? null : items.get(0);
  }

  /** Whether a value is there. */
  boolean has(int tag) {
    byte[] value = values.get(tag);
    return value != null && value.length > 0;
  }

  /** Text without its padding, "" when absent. */
  String text(int tag) {
    byte[] value = values.get(tag);
    if (value == null) {
      return "";
    }
    int end = 0;
    while (end < value.length && value[end] != 0) {
      end++;
    }
    return new String(value, 0, end, StandardCharsets.ISO_8859_1).strip();
  }

  List<String> texts(int tag) {
    String all = text(tag);
    List<String> parts = new ArrayList<>();
    if (!all.isEmpty()) {
      for (String part : all.split("\\\\", -1)) {
        parts.add(part.strip());
      }
    }
    return parts;
  }

  /** A 16-bit number, {@code missing} when absent or empty. */
  int u16(int tag, int missing) throws DicomException {
    byte[] value = values.get(tag);
    if (value == null || value.length == 0) {
      return missing;
    }
    // A longer number (UL for US) is met in the field; big-endian ones end with the low half.
    if (value.length != 2 && value.length != 4) {
      throw malformed(tag);
    }
    return DicomStream.u16(value, order == ByteOrder.LITTLE_ENDIAN ? 0 : value.length - 2, order);
  }

  /** 32-bit numbers; none when absent or of another width. */
  long[] u32s(int tag) {
    byte[] value = values.getOrDefault(tag, new byte[0]);
    long[] out = new long[value.length % 4 == 0 ? value.length / 4 : 0];
    ByteBuffer b = ByteBuffer.wrap(value).order(order);
    for (int i = 0; i < out.length; i++) {
      out[i] = b.getInt() & 0xffffffffL;
    }
    return out;
  }

  /** A 64-bit floating point number, {@code missing} when absent or of another width. */
  double f64(int tag, double missing) {
    byte[] value = values.getOrDefault(tag, new byte[0]);
    return value.length == 8 ? ByteBuffer.wrap(value).order(order).getDouble() : missing;
  }

  /** A whole number written as text; null when absent or not one. */
  @Nullable Integer integer(int tag) {
    List<String> parts = texts(tag);
    if (parts.isEmpty() || !INTEGER.matcher(parts.get(0)).matches()) {
      return null;
    }
    long v = Long.parseLong(parts.get(0));
    return v == (int) v ? Integer.valueOf((int) v) : null;
  }

  /**
   * Decimal numbers.
   *
   * @return null when the element is absent or empty
   * @throws DicomException when there are not {@code count} of them, or one is not a finite number
   */
  double @Nullable [] decimals(int tag, int count) throws DicomException {
    List<String> parts = texts(tag);
    if (parts.isEmpty()) {
      return null;
    }
    if (parts.size() != count) {
      throw malformed(tag);
    }
    double[] out = new double[count];
    for (int i = 0; i < count; i++) {
      if (!DECIMAL.matcher(parts.get(i)).matches()) {
        throw malformed(tag);
      }
      out[i] = Double.parseDouble(parts.get(i));
      if (!Double.isFinite(out[i])) {
        throw malformed(tag);
      }
    }
    return out;
  }

  /** One decimal number, {@code missing} when absent or empty. */
  double decimal(int tag, double missing) throws DicomException {
    double[] v = decimals(tag, 1);
    return v == null ? missing : v[0];
  }

  /** One decimal number that can be done without: NaN when absent, empty or none. */
  double decimalIfAny(int tag) {
    try {
      return decimal(tag, Double.NaN);
    } catch (DicomException e) {
      return Double.NaN;
    }
  }

  static DicomException malformed(int tag) {
    return new DicomException(
        String.format(
            "the element (%04X,%04X) does not hold what it must; export the series again",
            tag >>> 16, tag & 0xffff));
  }
}
