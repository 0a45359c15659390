package org.medpruner.volume;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/** Writes DICOM files by hand, element by element. */
final class DicomBytes {
  static final String IMPLICIT = "1.2.840.10008.1.2";
  static final String EXPLICIT = "1.2.840.10008.1.2.1";
  static final String BIG_ENDIAN = "1.2.840.10008.1.2.2";
  static final String DEFLATED = "1.2.840.10008.1.2.1.99";
  static final String RLE = "1.2.840.10008.1.2.5";

  /** A name that must never come out again. */
  static final String PATIENT = "Mustermann^Erika";

  private static final Set<String> LONG_FORM = Set.of("OB", "OW", "SQ", "UN", "UT");

  private record Value(String vr, Object content) {}

  /** By tag as an unsigned number, the order in a file. */
  private final Map<Long, Value> elements = new TreeMap<>();

  private boolean undefinedLengths;

  /** An item of a sequence, empty. */
  static DicomBytes item() {
    return new DicomBytes();
  }

  /** An axial CT slice of unsigned 16-bit zeros at the origin, 1 x 1 mm. */
  static DicomBytes slice(int columns, int rows) {
    return new DicomBytes()
        .text(0x00080005, "CS", "ISO_IR 100")
        .text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL")
        .text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(0x00080060, "CS", "CT")
        .text(0x00100010, "PN", PATIENT)
        .text(0x00100020, "LO", "ID-4711")
        .text(0x0020000E, "UI", "1.2.3.4")
        .text(0x00200011, "IS", "3")
        .position(0, 0, 0)
        .orientation(1, 0, 0, 0, 1, 0)
        .u16(0x00280002, 1)
        .text(0x00280004, "CS", "MONOCHROME2")
        .u16(0x00280010, rows)
        .u16(0x00280011, columns)
        .text(0x00280030, "DS", "1\\1")
        .bits(16, 16, 15, false)
        .shorts(new int[columns * rows]);
  }

  DicomBytes text(int tag, String vr, String text) {
    return put(tag, vr, text);
  }

  DicomBytes u16(int tag, int... values) {
    return put(tag, "US", values);
  }

  DicomBytes bytes(int tag, String vr, byte[] value) {
    return put(tag, vr, value);
  }

  DicomBytes sequence(int tag, DicomBytes... items) {
    return put(tag, "SQ", List.of(items));
  }

  /** A sequence as a writer without its definition passes it on: UN, its content implicit. */
  DicomBytes unknown(int tag, DicomBytes... items) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (DicomBytes i : items) {
      item(out, i.encode(false, ByteOrder.LITTLE_ENDIAN), ByteOrder.LITTLE_ENDIAN);
    }
    return bytes(tag, "UN", out.toByteArray());
  }

  private DicomBytes put(int tag, String vr, Object value) {
    elements.put(tag & 0xffffffffL, new Value(vr, value));
    return this;
  }

  DicomBytes without(int tag) {
    elements.remove(tag & 0xffffffffL);
    return this;
  }

  /** Sequences and items end with a delimiter instead of stating a length. */
  DicomBytes undefinedLengths() {
    undefinedLengths = true;
    return this;
  }

  DicomBytes series(String uid, int number) {
    return text(0x0020000E, "UI", uid).text(0x00200011, "IS", Integer.toString(number));
  }

  DicomBytes position(double x, double y, double z) {
    return text(0x00200032, "DS", decimals(x, y, z));
  }

  DicomBytes orientation(double... cosines) {
    return text(0x00200037, "DS", decimals(cosines));
  }

  DicomBytes rescale(double slope, double intercept) {
    return text(0x00281052, "DS", decimals(intercept)).text(0x00281053, "DS", decimals(slope));
  }

  DicomBytes bits(int allocated, int stored, int high, boolean signed) {
    return u16(0x00280100, allocated)
        .u16(0x00280101, stored)
        .u16(0x00280102, high)
        .u16(0x00280103, signed ? 1 : 0);
  }

  /** 16-bit pixels. */
  DicomBytes shorts(int... values) {
    return put(0x7FE00010, "OW", values);
  }

  /** 8-bit pixels. */
  DicomBytes pixels(byte... values) {
    return put(0x7FE00010, "OB", values);
  }

  /** Encapsulated pixels: an offset table, then the fragments. */
  DicomBytes fragments(byte[] offsetTable, byte[]... fragments) {
    List<byte[]> all = new ArrayList<>(List.of(offsetTable));
    all.addAll(List.of(fragments));
    return put(0x7FE00010, "OB", all.toArray(new byte[0][]));
  }

  static String decimals(double... values) {
    StringBuilder text = new StringBuilder();
    for (double v : values) {
      text.append(text.isEmpty() ? "" : "\\");
      text.append(v == Math.rint(v) ? Long.toString((long) v) : Double.toString(v));
    }
    return text.toString();
  }

  /** A file of Part 10. */
  byte[] file(String syntax) {
    return file(syntax, syntax);
  }

  /** A file of Part 10 that states one syntax and is written in another. */
  byte[] file(String stated, String syntax) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[128]);
    out.writeBytes("DICM".getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(meta(stated));
    out.writeBytes(body(syntax));
    return out.toByteArray();
  }

  byte[] meta(String syntax) {
    DicomBytes rest = new DicomBytes().text(0x00020010, "UI", syntax);
    byte[] written = rest.encode(true, ByteOrder.LITTLE_ENDIAN);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] length =
        ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(written.length).array();
    out.writeBytes(
        new DicomBytes().put(0x00020000, "UL", length).encode(true, ByteOrder.LITTLE_ENDIAN));
    out.writeBytes(written);
    return out.toByteArray();
  }

  /** The data set alone. */
  byte[] body(String syntax) {
    byte[] plain =
        encode(
            !syntax.equals(IMPLICIT),
            syntax.equals(BIG_ENDIAN) ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    return syntax.equals(DEFLATED) ? deflate(plain) : plain;
  }

  static byte[] deflate(byte[] plain) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (DeflaterOutputStream deflater =
        new DeflaterOutputStream(out, new Deflater(Deflater.BEST_COMPRESSION, true))) {
      deflater.write(plain);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  Path write(Path file) {
    return write(file, EXPLICIT);
  }

  Path write(Path file, String syntax) {
    return NiftiBytes.write(file, file(syntax));
  }

  static Path folder(Path folder) {
    try {
      return Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] encode(boolean explicit, ByteOrder order) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    elements.forEach((tag, value) -> element(out, (int) (long) tag, value, explicit, order));
    return out.toByteArray();
  }

  private void element(
      ByteArrayOutputStream out, int tag, Value value, boolean explicit, ByteOrder order) {
    boolean fragments = value.content instanceof byte[][];
    boolean sequence = value.content instanceof List<?>;
    byte[] content = content(value, explicit, order);
    boolean undefined = fragments || sequence && undefinedLengths;
    int length = undefined ? -1 : content.length;
    out.writeBytes(tag(tag, order));
    if (!explicit) {
      out.writeBytes(u32(length, order));
    } else {
      out.writeBytes(value.vr.getBytes(StandardCharsets.US_ASCII));
      if (LONG_FORM.contains(value.vr)) {
        out.writeBytes(new byte[2]);
        out.writeBytes(u32(length, order));
      } else {
        out.writeBytes(ByteBuffer.allocate(2).order(order).putShort((short) length).array());
      }
    }
    out.writeBytes(content);
    if (undefined) {
      out.writeBytes(tag(0xFFFEE0DD, order));
      out.writeBytes(u32(0, order));
    }
  }

  private byte[] content(Value value, boolean explicit, ByteOrder order) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    switch (value.content) {
      case String s -> {
        out.writeBytes(s.getBytes(StandardCharsets.ISO_8859_1));
        pad(out, value.vr.equals("UI") ? 0 : ' ');
      }
      case int[] numbers -> {
        ByteBuffer b = ByteBuffer.allocate(2 * numbers.length).order(order);
        for (int n : numbers) {
          b.putShort((short) n);
        }
        out.writeBytes(b.array());
      }
      case byte[] bytes -> {
        out.writeBytes(bytes);
        pad(out, 0);
      }
      case byte[][] fragments -> {
        for (byte[] f : fragments) {
          item(out, f, order);
        }
      }
      case List<?> items -> {
        for (Object item : items) {
          byte[] encoded = ((DicomBytes) item).encode(explicit, order);
          if (undefinedLengths) {
            out.writeBytes(tag(0xFFFEE000, order));
            out.writeBytes(u32(-1, order));
            out.writeBytes(encoded);
            out.writeBytes(tag(0xFFFEE00D, order));
            out.writeBytes(u32(0, order));
          } else {
            item(out, encoded, order);
          }
        }
      }
      default -> throw new AssertionError(value);
    }
    return out.toByteArray();
  }

  private static void item(ByteArrayOutputStream out, byte[] content, ByteOrder order) {
    out.writeBytes(tag(0xFFFEE000, order));
    out.writeBytes(u32(content.length + content.length % 2, order));
    out.writeBytes(content);
    out.writeBytes(new byte[content.length % 2]);
  }

  private static void pad(ByteArrayOutputStream out, int with) {
    if (out.size() % 2 == 1) {
      out.write(with);
    }
  }

  private static byte[] tag(int tag, ByteOrder order) {
    return ByteBuffer.allocate(4)
        .order(order)
        .putShort((short) (tag >>> 16))
        .putShort((short) tag)
        .array();
  }

  private static byte[] u32(int value, ByteOrder order) {
    return ByteBuffer.allocate(4).order(order).putInt(value).array();
  }
}
