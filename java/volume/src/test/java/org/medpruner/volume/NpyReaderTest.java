package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.volume.Refusals.assertContains;
import static org.medpruner.volume.Refusals.message;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arrays that NumPy saved. */
final class NpyReaderTest {
  /** Two slices of two rows and three columns. */
  private static final int[] VALUES = {0, 1, 2, 3, 4, 5, 100, 101, 102, 103, 104, 105};

  @TempDir Path dir;

  /** A file as {@code numpy.save} lays it out: a header padded to 64 bytes that ends in \n. */
  static byte[] npy(int version, String dict, byte[] data) {
    int sizeBytes = version == 1 ? 2 : 4;
    int fixed = 8 + sizeBytes;
    int length = (fixed + dict.length() + 1 + 63) / 64 * 64 - fixed;
    ByteBuffer b = ByteBuffer.allocate(fixed + length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    b.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    b.put((byte) version).put((byte) 0);
    if (version == 1) {
      b.putShort((short) length);
    } else {
      b.putInt(length);
    }
    byte[] text = new byte[length];
    Arrays.fill(text, (byte) ' ');
    System.arraycopy(dict.getBytes(StandardCharsets.US_ASCII), 0, text, 0, dict.length());
    text[length - 1] = '\n';
    return b.put(text).put(data).array();
  }

  private static String dict(String descr, String shape) {
    return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
  }

  private static byte[] data(String descr) {
    ByteOrder order = descr.startsWith(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    int size = descr.charAt(2) - '0';
    ByteBuffer b = ByteBuffer.allocate(VALUES.length * size).order(order);
    for (int v : VALUES) {
      switch (descr.substring(1)) {
        case "f4" -> b.putFloat(v);
        case "f8" -> b.putDouble(v);
        case "u1", "i1" -> b.put((byte) v);
        case "i2", "u2" -> b.putShort((short) v);
        case "i4", "u4" -> b.putInt(v);
        case "i8", "u8" -> b.putLong(v);
        default -> throw new AssertionError(descr);
      }
    }
    return b.array();
  }

  private Path file(byte[] bytes) throws IOException {
    return Files.write(dir.resolve("v.npy"), bytes);
  }

  @ParameterizedTest
  @CsvSource({
    "1, <f4", "1, <f8", "1, |u1", "1, |i1", "1, <i2", "2, <f4", "3, <i2", "1, >i2", "2, >f8",
    "1, <u2", "1, <i4", "1, <u4", "1, <i8", "1, <u8", "1, >f4"
  })
  void everyNumberType(int version, String descr) throws IOException {
    Volume v = Volumes.read(file(npy(version, dict(descr, "(2, 2, 3)"), data(descr))));
    SliceStack slices = v.slices();
    assertEquals(2, slices.count());
    assertEquals(2, slices.height());
    assertEquals(3, slices.width());
    assertArrayEquals(new double[] {0, 1, 2, 3, 4, 5}, slices.values(0));
    assertArrayEquals(new double[] {100, 101, 102, 103, 104, 105}, slices.values(1));
    assertEquals("npy", v.provenance().format());
    assertEquals(Provenance.Kind.NPY, v.provenance().kind());
    assertEquals(List.of(3, 2, 2), v.provenance().shape());
    assertTrue(Double.isNaN(slices.spacingMm()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"(1, 2, 2, 3)", "(1, 1, 2, 2, 3)"})
  void leadingAxesOfOneAreDropped(String shape) throws IOException {
    Volume v = Volumes.read(file(npy(1, dict("<f4", shape), data("<f4"))));
    assertArrayEquals(new double[] {100, 101, 102, 103, 104, 105}, v.slices().values(1));
  }

  /**
   * What NumPy 2.4 writes for {@code numpy.asfortranarray(a)} and for a transposed array in C
   * order, behind its header: the first axis is the fastest.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "<i2; (2, 2, 3); 000064000300670001006500040068000200660005006900",
        "<i2; (1, 2, 2, 3); 000064000300670001006500040068000200660005006900",
        "<f2; (2, 2, 3); 0000405600427056003c5056004480560040605600459056",
        "<f4; (2, 2, 3); 000000000000c842000040400000ce420000803f0000ca42000080400000d042"
            + "000000400000cc420000a0400000d242"
      })
  void fortranOrder(String descr, String shape, String data) throws IOException {
    String dict = "{'descr': '" + descr + "', 'fortran_order': True, 'shape': " + shape + ", }";
    Volume v = Volumes.read(file(npy(1, dict, HexFormat.of().parseHex(data))));
    SliceStack slices = v.slices();
    assertEquals(2, slices.count());
    assertEquals(2, slices.height());
    assertEquals(3, slices.width());
    assertArrayEquals(new double[] {0, 1, 2, 3, 4, 5}, slices.values(0));
    assertArrayEquals(new double[] {100, 101, 102, 103, 104, 105}, slices.values(1));
    assertEquals(List.of(2, 2, 3), v.provenance().shape(), "fastest first");
    assertArrayEquals(new int[] {3, 2, 2}, v.shape());
  }

  /** Zeros, the smallest, the smallest normal one, a third, the largest, and no numbers. */
  @ParameterizedTest
  @CsvSource({
    "<f2, 00000080010000045535003cff7b00c0007c00fc007e0064",
    ">f2, 000080000001040035553c007bffc0007c00fc007e006400"
  })
  void halves(String descr, String data) throws IOException {
    byte[] bytes = HexFormat.of().parseHex(data);
    Volume v = Volumes.read(file(npy(1, dict(descr, "(1, 2, 6)"), bytes)));
    assertArrayEquals(
        new double[] {
          0,
          -0.0,
          0x1p-24,
          0x1p-14,
          0.333251953125,
          1,
          65504,
          -2,
          Double.POSITIVE_INFINITY,
          Double.NEGATIVE_INFINITY,
          Double.NaN,
          1024
        },
        v.slices().values(0));
    assertEquals("float16", v.provenance().dtype());
    assertEquals(-2, v.min());
    assertEquals(65504, v.max());
    assertEquals(3, v.nonFinite());
  }

  /** So many that pictures are made by a table of all 65,536 halves; NaN and infinities black. */
  @Test
  void picturesOfHalvesAreThoseOfTheSameFloats() throws IOException {
    int n = 1 << 16;
    ByteBuffer halves = ByteBuffer.allocate(2 * n).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer floats = ByteBuffer.allocate(4 * n).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < n; i++) {
      halves.putShort((short) i);
      floats.putFloat(Float.float16ToFloat((short) i));
    }
    String shape = "(1, 256, 256)";
    Volume half = Volumes.read(file(npy(1, dict("<f2", shape), halves.array())));
    Volume whole = Volumes.read(file(npy(1, dict("<f4", shape), floats.array())));
    for (Recipe recipe : List.of(Recipe.ctWindows(), Recipe.window(new Window(0, 1)))) {
      assertArrayEquals(
          whole.slices().images(recipe).pixels().getFirst(),
          half.slices().images(recipe).pixels().getFirst());
    }
  }

  /** Of Python 2, and of writers that quote otherwise. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 2L, 3L), }",
        "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2, 2, 3)}"
      })
  void otherSpellingsOfTheHeader(String dict) throws IOException {
    Volume v = Volumes.read(file(npy(1, dict, data("<f4"))));
    assertArrayEquals(new double[] {100, 101, 102, 103, 104, 105}, v.slices().values(1));
  }

  @Test
  void aWindowMakesItsPictures() throws IOException {
    ByteBuffer b = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    for (float f : new float[] {0, 0.5f, 1, 0.25f}) {
      b.putFloat(f);
    }
    Volume v = Volumes.read(file(npy(1, dict("<f4", "(1, 2, 2)"), b.array())));
    byte[] p = v.slices().images(Recipe.window(new Window(0, 1))).pixels().getFirst();
    // 127.5 and 63.75, rounded half to even.
    assertArrayEquals(
        new int[] {0, 128, 255, 64},
        new int[] {p[0] & 0xff, p[3] & 0xff, p[6] & 0xff, p[9] & 0xff});
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2, 2, 3), };damaged npy header",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 6), };(2, 6)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), };slices x rows x columns",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 3, 1), };(2, 2, 3, 1)",
        "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 2, 3), };'<c8'",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 6), };(2, 6)",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2, 4), };truncated",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2, 2, 3), };'|O'",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2, 3), };damaged npy"
            + " header",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 4), };truncated",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 2), };more than",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2, 3), };length 0",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999, 2, 3), };999999999999",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (500000, 500000, 500000), };truncated",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, L, 3), };length L",
        "nonsense;damaged npy header"
      })
  void whatCannotBeReadIsSaid(String dict, String problem) throws IOException {
    Path file = file(npy(1, dict, data("<f4")));
    String message = message(() -> Volumes.read(file));
    assertContains("v.npy: ", message);
    assertContains(problem, message);
  }

  @Test
  void filesThatEndEarlyAreSaid() throws IOException {
    byte[] whole = npy(1, dict("<f4", "(2, 2, 3)"), data("<f4"));
    for (int length : new int[] {7, 8, 9, 10, 40, whole.length - 1}) {
      Path file = file(Arrays.copyOf(whole, length));
      assertContains("truncated", message(() -> Volumes.read(file)));
    }
    whole[6] = 9;
    Path file = file(whole);
    assertContains("npy format 9", message(() -> Volumes.read(file)));
  }

  @Test
  void onlyFrameZeroExists() throws IOException {
    Path file = file(npy(1, dict("<f4", "(2, 2, 3)"), data("<f4")));
    assertContains("frame 1", message(() -> Volumes.read(file, ReadOptions.DEFAULT.withFrame(1))));
  }

  /** Indices that {@code numpy.linspace(0, n - 1, k, dtype=int)} gives. */
  @ParameterizedTest
  @CsvSource({
    "5, 3, 0 2 4",
    "10, 4, 0 3 6 9",
    "9, 4, 0 2 5 8",
    "7, 6, 0 1 2 3 4 6",
    "5, 5, 0 1 2 3 4",
    "4, 9, 0 1 2 3",
    "6, 1, 0"
  })
  void linspaceCutsFractionsOff(int slices, int max, String expected) throws IOException {
    byte[] data = new byte[slices];
    for (int i = 0; i < slices; i++) {
      data[i] = (byte) i;
    }
    Volume v = Volumes.read(file(npy(1, dict("|u1", "(" + slices + ", 1, 1)"), data)));
    SliceStack stack = v.slices().linspace(max);
    StringBuilder got = new StringBuilder();
    for (int i = 0; i < stack.count(); i++) {
      got.append(i == 0 ? "" : " ").append(stack.info(i).sourceIndex());
      assertEquals(stack.info(i).sourceIndex(), (int) stack.values(i)[0]);
    }
    assertEquals(expected, got.toString());
  }
}
