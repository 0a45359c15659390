package org.medpruner.testkit.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The small safetensors file of what the authors' released code computes. */
final class Goldens {
  /** One entry of the header, which this project wrote and which has no others. */
  private static final Pattern ENTRY =
      Pattern.compile(
          "\"([^\"]+)\":\\{\"dtype\":\"(\\w+)\",\"shape\":\\[([\\d,]*)\\],"
              + "\"data_offsets\":\\[(\\d+),(\\d+)\\]\\}");

  private static final class Holder {
    static final Goldens ONLY = load();
  }

  @SuppressWarnings("ArrayRecordComponent")
  private record Entry(String dtype, int[] shape, int from, int to) {}

  private final Map<String, Entry> entries;
  private final ByteBuffer data;

  private Goldens(Map<String, Entry> entries, ByteBuffer data) {
    this.entries = entries;
    this.data = data;
  }

  static Goldens get() {
    return Holder.ONLY;
  }

  private static Goldens load() {
    String name = "/org/medpruner/testkit/golden/ops.safetensors";
    try (InputStream in = Goldens.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("no resource " + name + " beside the classes of the kit");
      }
      ByteBuffer file = ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
      byte[] header = new byte[Math.toIntExact(file.getLong())];
      file.get(header);
      Map<String, Entry> entries = new LinkedHashMap<>();
      Matcher m = ENTRY.matcher(new String(header, StandardCharsets.UTF_8));
      while (m.find()) {
        int[] shape =
            Pattern.compile(",")
                .splitAsStream(m.group(3))
                .filter(s -> !s.isEmpty())
                .mapToInt(Integer::parseInt)
                .toArray();
        entries.put(
            m.group(1),
            new Entry(
                m.group(2), shape, Integer.parseInt(m.group(4)), Integer.parseInt(m.group(5))));
      }
      return new Goldens(entries, file.slice().order(ByteOrder.LITTLE_ENDIAN));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Names with this beginning and end. */
  List<String> names(String prefix, String suffix) {
    List<String> names =
        entries.keySet().stream().filter(n -> n.startsWith(prefix) && n.endsWith(suffix)).toList();
    if (names.isEmpty()) {
      throw new IllegalStateException("no golden " + prefix + "*" + suffix);
    }
    return names;
  }

  /** The number in a part of a name: {@code "tau0.9"} is 0.9. */
  static double number(String part) {
    return Double.parseDouble(part.replaceAll("^[a-z]+", ""));
  }

  private Entry entry(String name) {
    Entry e = entries.get(name);
    if (e == null) {
      throw new IllegalStateException("no golden " + name);
    }
    return e;
  }

  private ByteBuffer bytes(String name, String dtype) {
    Entry e = entry(name);
    if (!e.dtype.equals(dtype)) {
      throw new IllegalStateException("golden " + name + " is " + e.dtype + ", not " + dtype);
    }
    return data.slice(e.from, e.to - e.from).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The last extent. */
  int columns(String name) {
    int[] shape = entry(name).shape;
    return shape[shape.length - 1];
  }

  float[] floats(String name) {
    ByteBuffer b = bytes(name, "F32");
    float[] a = new float[b.remaining() / 4];
    b.asFloatBuffer().get(a);
    return a;
  }

  long[] longs(String name) {
    ByteBuffer b = bytes(name, "I64");
    long[] a = new long[b.remaining() / 8];
    b.asLongBuffer().get(a);
    return a;
  }

  int[] ints(String name) {
    ByteBuffer b = bytes(name, "I32");
    int[] a = new int[b.remaining() / 4];
    b.asIntBuffer().get(a);
    return a;
  }

  byte[] u8(String name) {
    ByteBuffer b = bytes(name, "U8");
    byte[] a = new byte[b.remaining()];
    b.get(a);
    return a;
  }
}
