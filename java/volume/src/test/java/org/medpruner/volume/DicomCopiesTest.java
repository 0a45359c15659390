package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.volume.fixtures.DicomBytes;

/**
 * Pictures that a folder holds more than once, as exports of two archives and series that were
 * anonymised twice do: copies are left out and counted, and what differs is refused.
 */
final class DicomCopiesTest {
  private static final String JPEG_LS = "1.2.840.10008.1.2.4.80";
  private static final int SLICES = 3;
  private static final int INSTANCE_NUMBER = 0x00200013;
  private static final int INSTANCE_UID = 0x00080018;

  @TempDir Path dir;

  /** One of 16 x 1 pixels of 12 bits, all of one value, with UID and number. */
  private static DicomBytes slice(int i) {
    return DicomBytes.slice(16, 1)
        .bits(16, 12, 11, false)
        .position(0, 0, 5 * i)
        .text(INSTANCE_UID, "UI", "1.2.9." + i)
        .text(INSTANCE_NUMBER, "IS", Integer.toString(i))
        .shorts(values(i));
  }

  private static int[] values(int i) {
    int[] values = new int[16];
    Arrays.fill(values, value(i));
    return values;
  }

  private static int value(int i) {
    return 300 + i;
  }

  private static DicomBytes rle(DicomBytes d, byte[] offsetTable, int value) {
    byte[] high = new byte[16];
    byte[] low = new byte[16];
    Arrays.fill(high, (byte) (value >> 8));
    Arrays.fill(low, (byte) value);
    return d.fragments(offsetTable, DicomCompressedTest.rle(high, low));
  }

  private Path file(String kind, int i) {
    return dir.resolve(kind + i);
  }

  private void assertCopies(int copies) {
    Volume v = Volumes.read(dir);
    double[] first = new double[v.slices().count()];
    Arrays.setAll(first, i -> v.slices().values(i)[0]);
    assertArrayEquals(new double[] {value(2), value(1), value(0)}, first);
    assertEquals(1, v.provenance().warnings().size(), v.provenance().warnings().toString());
    String said = v.provenance().warnings().get(0);
    assertTrue(said.contains(": " + copies + " x copy of an image"), said);
  }

  private void assertRefused() {
    String message = Refusals.message(() -> Volumes.read(dir));
    Refusals.assertContains("files hold different pictures of one position", message);
    Refusals.assertContains("copies of one picture that were encoded differently", message);
  }

  @Test
  void elementsBehindThePixels() {
    for (int i = 0; i < SLICES; i++) {
      slice(i).write(file("a", i));
      slice(i).bytes(0xFFFCFFFC, "OB", new byte[32]).write(file("b", i));
    }
    assertCopies(SLICES);
  }

  /** Unequal padding is no picture: nobody reads it. */
  @Test
  void moreBytesThanPixels() {
    for (int i = 0; i < SLICES; i++) {
      slice(i).write(file("a", i));
      slice(i).shorts(Arrays.copyOf(values(i), 17)).write(file("b", i));
    }
    Volume v = Volumes.read(dir);
    assertTrue(v.provenance().warnings().get(0).contains(": 3 x copy"));
  }

  @Test
  void withAndWithoutAnOffsetTable() {
    for (int i = 0; i < SLICES; i++) {
      rle(slice(i), new byte[0], value(i)).write(file("a", i), DicomBytes.RLE);
      rle(slice(i), new byte[4], value(i)).write(file("b", i), DicomBytes.RLE);
    }
    assertCopies(SLICES);
  }

  @Test
  void anotherEncodingWithAndWithoutNumbers() {
    for (boolean numbered : new boolean[] {true, false}) {
      for (int i = 0; i < SLICES; i++) {
        DicomBytes d = slice(i);
        if (!numbered) {
          d.without(INSTANCE_NUMBER);
        }
        d.write(file("a", i));
        d.write(file("b", i), DicomBytes.BIG_ENDIAN);
        d.write(file("c", i), DicomBytes.DEFLATED);
        rle(d, new byte[0], value(i)).write(file("d", i), DicomBytes.RLE);
      }
      assertCopies(3 * SLICES);
    }
  }

  /** The first that comes is the compressed one. */
  @Test
  void uncompressedCopies() {
    for (int i = 0; i < SLICES; i++) {
      slice(i).write(file("b", i));
      rle(slice(i), new byte[0], value(i)).write(file("a", i), DicomBytes.RLE);
    }
    assertCopies(SLICES);
  }

  /** Two encoders of one process: neither the bytes nor the syntax decide. */
  @Test
  void anotherEncoder() {
    byte[] high = new byte[16];
    byte[] low = new byte[16];
    for (int i = 0; i < SLICES; i++) {
      Arrays.fill(high, (byte) (value(i) >> 8));
      Arrays.fill(low, (byte) value(i));
      byte[] encoded = DicomCompressedTest.rle(high, low);
      slice(i).fragments(new byte[0], encoded).write(file("a", i), DicomBytes.RLE);
      byte[] longer = Arrays.copyOf(encoded, encoded.length + 2);
      slice(i).fragments(new byte[0], longer).write(file("b", i), DicomBytes.RLE);
    }
    assertCopies(SLICES);
  }

  /** Programs that rewrite a series choose width and sign by what a slice holds. */
  @Test
  void anotherWidthSignAndHighBit() {
    for (int i = 0; i < SLICES; i++) {
      slice(i).write(file("a", i));
      slice(i).bits(16, 16, 15, true).write(file("b", i));
      int[] shifted = Arrays.stream(values(i)).map(v -> v << 4).toArray();
      slice(i).bits(16, 12, 15, false).shorts(shifted).write(file("c", i));
    }
    assertCopies(2 * SLICES);
  }

  @Test
  void negativeValuesOfAnotherWidth() {
    int[] wide = new int[16];
    byte[] narrow = new byte[16];
    for (int i = 0; i < SLICES; i++) {
      Arrays.fill(wide, -7 - i);
      Arrays.fill(narrow, (byte) (-7 - i));
      slice(i).bits(16, 16, 15, true).shorts(wide).write(file("a", i));
      slice(i).bits(8, 8, 7, true).pixels(narrow).write(file("b", i));
    }
    Volume v = Volumes.read(dir);
    assertEquals(-7, v.slices().values(2)[0]);
    assertTrue(v.provenance().warnings().get(0).contains(": 3 x copy"));
  }

  @Test
  void oneSliceThatWasSentAgain() {
    for (int i = 0; i < SLICES; i++) {
      slice(i).write(file("a", i));
    }
    slice(1).text(INSTANCE_UID, "UI", "1.2.10").write(file("z", 1));
    assertCopies(1);
  }

  /** As of a series that was anonymised twice. */
  @Test
  void allSlicesUnderOtherUids() {
    for (boolean numbered : new boolean[] {true, false}) {
      for (int i = 0; i < SLICES; i++) {
        DicomBytes d = slice(i);
        if (!numbered) {
          d.without(INSTANCE_NUMBER);
        }
        d.write(file("a", i));
        d.text(INSTANCE_UID, "UI", "1.2.10." + i).write(file("b", i));
        d.without(INSTANCE_UID).write(file("c", i));
      }
      assertCopies(2 * SLICES);
    }
  }

  @Test
  void airOfTwoEchoes() {
    for (int echo = 1; echo <= 2; echo++) {
      for (int i = 0; i < SLICES; i++) {
        slice(i).text(0x00180086, "IS", Integer.toString(echo)).write(file("e" + echo + "-", i));
      }
    }
    assertEquals(2, Volumes.read(dir).provenance().frames());
  }

  /** Enhanced objects of one number tell times apart by what their frames say. */
  @Test
  void airOfTwoTimes() {
    for (int time = 1; time <= 2; time++) {
      for (int i = 0; i < SLICES; i++) {
        DicomBytes frame =
            DicomBytes.item()
                .sequence(0x00209113, DicomBytes.item().position(0, 0, 5 * i))
                .sequence(
                    0x00209111,
                    DicomBytes.item().bytes(0x00209128, "UL", new byte[] {(byte) time, 0, 0, 0}));
        slice(i).sequence(0x52009230, frame).write(file("t" + time + "-", i));
      }
    }
    Volume v = Volumes.read(dir, ReadOptions.DEFAULT.withFrame(1));
    assertEquals(SLICES, v.slices().count());
    assertEquals(2, v.provenance().frames());
  }

  /** Some anonymisers give all files one UID, and an archive compresses half of them. */
  @Test
  void otherPixelsInAnotherEncodingAreNoCopies() {
    for (boolean numbered : new boolean[] {true, false}) {
      for (int i = 0; i < SLICES; i++) {
        DicomBytes d = slice(i).text(INSTANCE_UID, "UI", "1.2.9");
        if (!numbered) {
          d.without(INSTANCE_NUMBER);
        }
        d.write(file("a", i));
        rle(d, new byte[0], value(i) + (i == 1 ? 1 : 0)).write(file("b", i), DicomBytes.RLE);
      }
      assertRefused();
    }
  }

  @Test
  void otherPixelsUnderOtherUidsAreNoCopies() {
    for (int i = 0; i < SLICES; i++) {
      slice(i).write(file("a", i));
      slice(i)
          .text(INSTANCE_UID, "UI", "1.2.10." + i)
          .shorts(values(i + (i == 1 ? 1 : 0)))
          .write(file("b", i));
    }
    assertRefused();
  }

  /** Of the first pixel rows alone they would be. */
  @Test
  void otherPixelsOfTheLastFrameAreNoCopies() {
    for (String syntax : new String[] {DicomBytes.EXPLICIT, DicomBytes.BIG_ENDIAN}) {
      DicomBytes[] frames = new DicomBytes[SLICES];
      int[] values = new int[16 * SLICES];
      for (int i = 0; i < SLICES; i++) {
        frames[i] = DicomBytes.item().sequence(0x00209113, DicomBytes.item().position(0, 0, 5 * i));
        Arrays.fill(values, 16 * i, 16 * i + 16, value(i));
      }
      DicomBytes d =
          slice(0).text(0x00280008, "IS", "3").sequence(0x52009230, frames).shorts(values);
      d.write(file("a", 0));
      d.write(file("b", 0), syntax);
      assertCopies(1);
      values[values.length - 1]++;
      d.shorts(values).write(file("b", 0), syntax);
      assertRefused();
    }
  }

  /** The bytes are the same, and not what they stand for. */
  @Test
  void theSameBytesOfAnotherSignAreNoCopies() {
    int[] values = new int[16];
    Arrays.fill(values, -5);
    for (int i = 0; i < SLICES; i++) {
      slice(i).bits(16, 16, 15, true).shorts(values).write(file("a", i));
      slice(i).bits(16, 16, 15, i != 1).shorts(values).write(file("b", i));
    }
    assertRefused();
  }

  @Test
  void theSamePixelsUnderAnotherScaleAreNoCopies() {
    for (int i = 0; i < SLICES; i++) {
      slice(i).write(file("a", i));
      slice(i).rescale(1, i == 1 ? -1024 : 0).write(file("b", i));
    }
    assertRefused();
  }

  /** White and black change places about the middle of what can be stored. */
  @Test
  void theSamePixelsInvertedOtherwiseAreNoCopies() {
    for (int i = 0; i < SLICES; i++) {
      DicomBytes d = slice(i).text(0x00280004, "CS", "MONOCHROME1").text(0x00080060, "CS", "DX");
      d.write(file("a", i));
      d.bits(16, 16, 15, false).write(file("b", i));
    }
    Refusals.assertContains("holds 2 series", Refusals.message(() -> Volumes.read(dir)));
  }

  /** Nothing here decodes JPEG-LS, so that UID and number have to do. */
  @Test
  void copiesThatCannotBeDecoded() {
    for (int i = 0; i < SLICES; i++) {
      slice(i).write(file("a", i));
      slice(i).fragments(new byte[0], new byte[100]).write(file("b", i), JPEG_LS);
    }
    assertCopies(SLICES);
    slice(1)
        .text(INSTANCE_UID, "UI", "1.2.10")
        .fragments(new byte[0], new byte[100])
        .write(file("b", 1), JPEG_LS);
    assertRefused();
    slice(1)
        .without(INSTANCE_NUMBER)
        .fragments(new byte[0], new byte[100])
        .write(file("b", 1), JPEG_LS);
    slice(1).without(INSTANCE_NUMBER).write(file("a", 1));
    assertRefused();
  }

  @Test
  void whatCannotBeReadIsCalledThatOfCopiesToo() {
    for (int i = 0; i < SLICES; i++) {
      for (int copy = 0; copy < 2; copy++) {
        slice(i).fragments(new byte[4 * copy], new byte[100]).write(file("" + copy, i), JPEG_LS);
      }
    }
    Refusals.assertContains("JPEG-LS", Refusals.message(() -> Volumes.read(dir)));
    for (int i = 0; i < SLICES; i++) {
      for (int copy = 0; copy < 2; copy++) {
        slice(i).shorts(7).write(file("" + copy, i));
      }
    }
    Refusals.assertContains("truncated", Refusals.message(() -> Volumes.read(dir)));
  }
}
