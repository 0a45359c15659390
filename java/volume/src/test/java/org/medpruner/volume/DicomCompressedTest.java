package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.volume.fixtures.DicomBytes;

/**
 * Compressed pixels: RLE written by hand, JPEG by dcmtk, JPEG 2000 by GDCM, with precincts by
 * OpenJPEG.
 */
final class DicomCompressedTest {
  static final String BASELINE = "1.2.840.10008.1.2.4.50";
  static final String EXTENDED = "1.2.840.10008.1.2.4.51";
  static final String LOSSLESS = "1.2.840.10008.1.2.4.57";
  static final String LOSSLESS_1 = "1.2.840.10008.1.2.4.70";
  static final String J2K = "1.2.840.10008.1.2.4.90";
  private static final int COLUMNS = 24;
  private static final int ROWS = 16;

  @TempDir Path dir;

  /** An image of {@link #COLUMNS} x {@link #ROWS} around a codestream of the resources. */
  static DicomBytes image(String codestream, int bits, boolean signed) throws IOException {
    return DicomBytes.slice(COLUMNS, ROWS)
        .bits(bits > 8 ? 16 : 8, bits, bits - 1, signed)
        .fragments(new byte[0], Resources.bytes("dicom/" + codestream));
  }

  private static double[] pattern(int bits, boolean signed) {
    double[] v = new double[ROWS * COLUMNS];
    for (int i = 0; i < v.length; i++) {
      int x = i % COLUMNS;
      int y = i / COLUMNS;
      v[i] = (1037 * x + 2101 * y) % (1 << bits) - (signed ? 1 << bits - 1 : 0);
    }
    return v;
  }

  @ParameterizedTest
  @CsvSource({
    LOSSLESS_1 + ",lossless-1-unsigned-12.jpg,12,false",
    LOSSLESS + ",lossless-6-signed-16.jpg,16,true",
    J2K + ",lossless-unsigned-12.j2k,12,false",
    J2K + ",lossless-precincts-64.j2k,12,false",
    J2K + ",lossless-precincts-16.j2k,12,false",
    J2K + ",lossless-signed-16.j2k,16,true"
  })
  void lossless(String syntax, String codestream, int bits, boolean signed) throws IOException {
    Volume v = Volumes.read(image(codestream, bits, signed).write(dir.resolve("x"), syntax));
    assertArrayEquals(pattern(bits, signed), v.slices().values(0));
    assertEquals(signed ? "int16" : "uint16", v.provenance().dtype());
  }

  @Test
  void baseline() throws IOException {
    Volume v = Volumes.read(image("baseline-8.jpg", 8, false).write(dir.resolve("x"), BASELINE));
    double[] values = v.slices().values(0);
    for (int i = 0; i < values.length; i++) {
      assertEquals(i % COLUMNS + 4 * (i / COLUMNS), values[i], 3);
    }
  }

  @Test
  void extendedOfTwelveBitsIsRefusedByName() throws IOException {
    Path file = image("extended-12.jpg", 12, false).write(dir.resolve("x"), EXTENDED);
    String message = Refusals.message(() -> Volumes.read(file));
    Refusals.assertContains("JPEG Extended of 12 bits", message);
    Refusals.assertContains("dcmdjpeg", message);
  }

  @Test
  void framesInSeveralFragments() throws IOException {
    byte[] frame = Resources.bytes("dicom/lossless-1-unsigned-12.jpg");
    byte[] head = Arrays.copyOf(frame, 100);
    byte[] tail = Arrays.copyOfRange(frame, 100, frame.length);
    DicomBytes d =
        DicomBytes.slice(COLUMNS, ROWS)
            .bits(16, 12, 11, false)
            .text(0x00280008, "IS", "3")
            .fragments(new byte[0], head, tail, frame, head, tail);
    Volume v = Volumes.read(d.write(dir.resolve("x"), LOSSLESS_1));
    assertEquals(3, v.slices().count());
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(pattern(12, false), v.slices().values(i));
    }
    d.text(0x00280008, "IS", "4");
    Refusals.assertContains(
        "fewer compressed frames",
        Refusals.message(() -> Volumes.read(d.write(dir.resolve("x"), LOSSLESS_1))));
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 16, 32})
  void rleOfRandomRuns(int bits) {
    Random random = new Random(bits);
    for (int round = 0; round < 20; round++) {
      int columns = 1 + random.nextInt(40);
      int rows = 1 + random.nextInt(9);
      byte[][] planes = new byte[bits / 8][columns * rows];
      double[] expected = new double[columns * rows];
      for (byte[] plane : planes) {
        for (int i = 0, run = 0; i < plane.length; i++, run--) {
          boolean starts = run <= 0;
          plane[i] = starts ? (byte) random.nextInt() : plane[i - 1];
          run = starts && random.nextBoolean() ? random.nextInt(300) : run;
        }
      }
      for (int i = 0; i < expected.length; i++) {
        long v = 0;
        for (byte[] plane : planes) {
          v = v << 8 | plane[i] & 0xff;
        }
        expected[i] = v;
      }
      DicomBytes d =
          DicomBytes.slice(columns, rows)
              .bits(bits, bits, bits - 1, false)
              .fragments(new byte[0], rle(planes));
      Path file = d.write(dir.resolve("x"), DicomBytes.RLE);
      if (bits == 32) {
        Refusals.assertContains("32 bits", Refusals.message(() -> Volumes.read(file)));
      } else {
        assertArrayEquals(expected, Volumes.read(file).slices().values(0));
      }
    }
  }

  @Test
  void rleColour() {
    byte[][] planes = {{1, 2}, {3, 4}, {5, 6}};
    DicomBytes d =
        DicomBytes.slice(2, 1)
            .u16(0x00280002, 3)
            .text(0x00280004, "CS", "RGB")
            .u16(0x00280006, 0)
            .bits(8, 8, 7, false)
            .fragments(new byte[0], rle(planes));
    Volume v = Volumes.read(d.write(dir.resolve("x"), DicomBytes.RLE));
    assertEquals(3, v.channels());
    SliceImages images = v.slices().images(Recipe.forModality(Modality.AUTO, v));
    assertArrayEquals(new byte[] {1, 3, 5, 2, 4, 6}, images.pixels().get(0));
  }

  /** PackBits: runs of 3 to 128 repeated, everything else literal, a no-op thrown in. */
  static byte[] rle(byte[]... segments) {
    ByteBuffer head = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    head.putInt(segments.length);
    for (byte[] s : segments) {
      head.putInt(64 + body.size());
      int i = 0;
      while (i < s.length) {
        int run = 1;
        while (run < 128 && i + run < s.length && s[i + run] == s[i]) {
          run++;
        }
        if (run >= 3) {
          body.write(1 - run);
          body.write(s[i]);
          i += run;
        } else {
          int literal = Math.min(s.length - i, 1 + i % 5);
          body.write(literal - 1);
          body.write(s, i, literal);
          i += literal;
          body.write(-128);
        }
      }
      if (body.size() % 2 == 1) {
        body.write(0);
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(head.array());
    out.writeBytes(body.toByteArray());
    return out.toByteArray();
  }

  @Test
  void whatIsCutIsRefused() throws IOException {
    for (String[] c :
        new String[][] {
          {"lossless-1-unsigned-12.jpg", LOSSLESS_1},
          {"lossless-unsigned-12.j2k", J2K},
          {"baseline-8.jpg", BASELINE}
        }) {
      byte[] whole = Resources.bytes("dicom/" + c[0]);
      int bits = c[1].equals(BASELINE) ? 8 : 12;
      for (int cut : new int[] {whole.length * 3 / 4, whole.length / 2, 30, 3, 0}) {
        DicomBytes d = image(c[0], bits, false).fragments(new byte[0], Arrays.copyOf(whole, cut));
        String message = Refusals.message(() -> Volumes.read(d.write(dir.resolve("x"), c[1])));
        assertTrue(message.contains("compressed pixels"), cut + ": " + message);
      }
    }
  }

  /** These are whole, though nothing here decodes them. */
  @Test
  void whatIsNotDecodedIsNotCalledDamaged() throws IOException {
    byte[] good = Resources.bytes("dicom/lossless-precincts-16.j2k");
    int cod = 45;
    assertEquals((byte) 0x52, good[cod + 1]);
    byte[] layers = good.clone();
    layers[cod + 6] = 4;
    byte[] shifted = good.clone();
    shifted[19] = 1;
    byte[] own = good.clone();
    own[cod + 1] = 0x53;
    byte[] boxed = ByteBuffer.allocate(12 + good.length).put(12, good).array();
    System.arraycopy(new byte[] {0, 0, 0, 12, 'j', 'P', ' ', ' '}, 0, boxed, 0, 8);
    for (Object[] c :
        new Object[][] {
          {layers, "layers"},
          {shifted, "off the origin"},
          {own, "components of their own coding"},
          {boxed, "boxes of a JP2 file"}
        }) {
      String message = refusedCodestream((byte[]) c[0]);
      Refusals.assertContains((String) c[1], message);
      Refusals.assertContains("not supported; convert the files first with gdcmconv", message);
    }
  }

  private String refusedCodestream(byte[] codestream) throws IOException {
    DicomBytes d = image("lossless-precincts-16.j2k", 12, false).fragments(new byte[0], codestream);
    return Refusals.message(() -> Volumes.read(d.write(dir.resolve("x"), J2K)));
  }

  /** Of 2 x 2 pixels in 1024 x 1024 there are a quarter of a million. */
  @Test
  void tooManyPrecinctsAreRefused() throws IOException {
    byte[] b = Resources.bytes("dicom/lossless-precincts-16.j2k");
    for (int at : new int[] {8, 12, 24, 28}) {
      b[at + 2] = 4;
      b[at + 3] = 0;
    }
    b[45 + 15] = 0x11;
    b[45 + 16] = 0x11;
    DicomBytes d = DicomBytes.slice(1024, 1024).bits(16, 12, 11, false).fragments(new byte[0], b);
    String message = Refusals.message(() -> Volumes.read(d.write(dir.resolve("x"), J2K)));
    Refusals.assertContains("precincts, which is not supported", message);
  }

  @Test
  void moreBitsThanTheHeaderSaysAreRefused() throws IOException {
    DicomBytes d = image("lossless-1-unsigned-12.jpg", 8, false);
    Refusals.assertContains(
        "JPEG of another depth",
        Refusals.message(() -> Volumes.read(d.write(dir.resolve("x"), LOSSLESS_1))));
  }

  @Test
  void anotherSizeThanTheHeaderSaysIsRefused() throws IOException {
    for (String[] c :
        new String[][] {
          {"lossless-1-unsigned-12.jpg", LOSSLESS_1}, {"lossless-unsigned-12.j2k", J2K}
        }) {
      DicomBytes d = image(c[0], 12, false).u16(0x00280010, ROWS + 1);
      Refusals.assertContains(
          "the compressed picture is 24 x 16",
          Refusals.message(() -> Volumes.read(d.write(dir.resolve("x"), c[1]))));
    }
  }

  /** Of all that the process allows; encoders may write as many as are stored. */
  @ParameterizedTest
  @ValueSource(ints = {2, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
  void losslessOfEveryPrecision(int bits) {
    for (int predictor = 1; predictor <= 7; predictor++) {
      for (boolean signed : new boolean[] {false, true}) {
        double[] expected = pattern(bits, signed);
        int[] stored = new int[expected.length];
        Arrays.setAll(stored, i -> (int) expected[i] & (1 << bits) - 1);
        DicomBytes d =
            DicomBytes.slice(COLUMNS, ROWS)
                .bits(bits > 8 ? 16 : 8, bits, bits - 1, signed)
                .fragments(new byte[0], lossless(stored, bits, predictor));
        Volume v = Volumes.read(d.write(dir.resolve("x"), LOSSLESS));
        assertArrayEquals(expected, v.slices().values(0), bits + " bits, predictor " + predictor);
      }
    }
  }

  /** JPEG process 14: differences, the number of their bits in a code of five bits before each. */
  private static byte[] lossless(int[] v, int bits, int predictor) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff, (byte) 0xc3, 0, 11});
    out.writeBytes(new byte[] {(byte) bits, 0, ROWS, 0, COLUMNS, 1, 1, 0x11, 0});
    out.writeBytes(new byte[] {(byte) 0xff, (byte) 0xc4, 0, 19 + 17, 0, 0, 0, 0, 0, 17});
    out.writeBytes(new byte[11]);
    for (int i = 0; i <= 16; i++) {
      out.write(i);
    }
    out.writeBytes(new byte[] {(byte) 0xff, (byte) 0xda, 0, 8, 1, 1, 0, (byte) predictor, 0, 0});
    StringBuilder code = new StringBuilder();
    for (int i = 0; i < v.length; i++) {
      int x = i % COLUMNS;
      int left = x > 0 ? v[i - 1] : 0;
      int above = i >= COLUMNS ? v[i - COLUMNS] : 0;
      int corner = x > 0 && i >= COLUMNS ? v[i - COLUMNS - 1] : 0;
      int predicted;
      if (i == 0) {
        predicted = 1 << bits - 1;
      } else if (i < COLUMNS) {
        predicted = left;
      } else if (x == 0) {
        predicted = above;
      } else {
        predicted =
            switch (predictor) {
              case 1 -> left;
              case 2 -> above;
              case 3 -> corner;
              case 4 -> left + above - corner;
              case 5 -> left + (above - corner >> 1);
              case 6 -> above + (left - corner >> 1);
              default -> left + above >> 1;
            };
      }
      int difference = (short) (v[i] - predicted);
      int length =
          difference == -32768 ? 16 : 32 - Integer.numberOfLeadingZeros(Math.abs(difference));
      code.append(binary(length, 5));
      if (length > 0 && length < 16) {
        code.append(binary(difference < 0 ? difference - 1 : difference, length));
      }
    }
    code.append("1".repeat(7 - (code.length() + 7) % 8));
    for (int at = 0; at < code.length(); at += 8) {
      int b = Integer.parseInt(code.substring(at, at + 8), 2);
      out.write(b);
      if (b == 0xff) {
        out.write(0);
      }
    }
    out.writeBytes(new byte[] {(byte) 0xff, (byte) 0xd9});
    return out.toByteArray();
  }

  private static String binary(int v, int digits) {
    String all = Integer.toBinaryString(1 << digits | v & (1 << digits) - 1);
    return all.substring(1);
  }
}
