package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.volume.fixtures.DicomBytes;

/** Reading against files written by hand. */
final class DicomTest {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(
      strings = {
        DicomBytes.IMPLICIT,
        DicomBytes.EXPLICIT,
        DicomBytes.BIG_ENDIAN,
        DicomBytes.DEFLATED
      })
  void everyBitLayoutInEverySyntax(String syntax) {
    Random random = new Random(1);
    for (int[] layout :
        new int[][] {
          {16, 16, 15}, {16, 12, 11}, {16, 12, 15}, {16, 10, 12}, {8, 8, 7}, {8, 6, 6}
        }) {
      for (boolean signed : new boolean[] {false, true}) {
        int[] words = new int[6];
        double[] expected = new double[6];
        for (int i = 0; i < 6; i++) {
          words[i] = random.nextInt(1 << layout[0]);
          int bits = words[i] >> (layout[2] + 1 - layout[1]) & ((1 << layout[1]) - 1);
          int negative = 1 << (layout[1] - 1);
          expected[i] = 2.0 * (signed && bits >= negative ? bits - 2 * negative : bits) - 1000;
        }
        DicomBytes d =
            DicomBytes.slice(3, 2).bits(layout[0], layout[1], layout[2], signed).rescale(2, -1000);
        if (layout[0] == 16) {
          d.shorts(words);
        } else {
          byte[] bytes = new byte[6];
          for (int i = 0; i < 6; i++) {
            bytes[i] = (byte) words[i];
          }
          d.pixels(bytes);
        }
        Volume v = Volumes.read(d.write(dir.resolve("a"), syntax));
        assertArrayEquals(expected, v.slices().values(0), syntax + Arrays.toString(layout));
        assertEquals((signed ? "int" : "uint") + layout[0], v.provenance().dtype());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {DicomBytes.IMPLICIT, DicomBytes.EXPLICIT, DicomBytes.BIG_ENDIAN})
  void withoutPreambleAndMeta(String syntax) {
    DicomBytes d = DicomBytes.slice(2, 1).shorts(258, 7);
    Path bare = NiftiBytes.write(dir.resolve("bare"), d.body(syntax));
    assertArrayEquals(new double[] {258, 7}, Volumes.read(bare).slices().values(0));
  }

  @Test
  void withMetaButWithoutPreamble() {
    DicomBytes d = DicomBytes.slice(2, 1).shorts(258, 7);
    byte[] meta = d.meta(DicomBytes.BIG_ENDIAN);
    byte[] body = d.body(DicomBytes.BIG_ENDIAN);
    byte[] both = Arrays.copyOf(meta, meta.length + body.length);
    System.arraycopy(body, 0, both, meta.length, body.length);
    Path file = NiftiBytes.write(dir.resolve("x"), both);
    assertArrayEquals(new double[] {258, 7}, Volumes.read(file).slices().values(0));
  }

  @ParameterizedTest
  @CsvSource({
    DicomBytes.EXPLICIT + "," + DicomBytes.IMPLICIT,
    DicomBytes.IMPLICIT + "," + DicomBytes.EXPLICIT
  })
  void theDataTellsWhetherItIsExplicit(String stated, String written) {
    byte[] bytes = DicomBytes.slice(2, 1).shorts(258, 7).file(stated, written);
    Volume v = Volumes.read(NiftiBytes.write(dir.resolve("x"), bytes));
    assertArrayEquals(new double[] {258, 7}, v.slices().values(0));
    assertEquals(Modality.CT, v.provenance().modality());
  }

  /** Two pictures of three pixels at one place: the first ends in the middle of a word. */
  @Test
  void oddFramesInBigEndianWords() {
    DicomBytes frame = DicomBytes.item().sequence(0x00209113, DicomBytes.item().position(0, 0, 0));
    Path file =
        DicomBytes.slice(3, 1)
            .text(0x00280008, "IS", "2")
            .bits(8, 8, 7, false)
            .sequence(0x52009230, frame, frame)
            .bytes(0x7FE00010, "OW", new byte[] {2, 1, 4, 3, 6, 5})
            .write(dir.resolve("w"), DicomBytes.BIG_ENDIAN);
    for (int i = 0; i < 2; i++) {
      Volume v = Volumes.read(file, ReadOptions.DEFAULT.withFrame(i));
      assertArrayEquals(
          new double[] {3 * i + 1, 3 * i + 2, 3 * i + 3}, v.slices().values(0), "frame " + i);
    }
  }

  @Test
  void coloursAreNotScaled() {
    for (int i = 0; i < 2; i++) {
      DicomBytes.slice(2, 1)
          .u16(0x00280002, 3)
          .text(0x00280004, "CS", "RGB")
          .bits(8, 8, 7, false)
          .position(0, 0, i)
          .rescale(1 + i, 5)
          .pixels((byte) i, (byte) 2, (byte) 3, (byte) 4, (byte) 5, (byte) 6)
          .write(dir.resolve("c" + i));
    }
    Volume v = Volumes.read(dir);
    assertEquals("rgb24", v.provenance().dtype());
    SliceImages images = v.slices().images(Recipe.forModality(Modality.AUTO, v));
    assertArrayEquals(new byte[] {1, 2, 3, 4, 5, 6}, images.pixels().get(0));
    assertArrayEquals(new byte[] {0, 2, 3, 4, 5, 6}, images.pixels().get(1));
  }

  /** Slices at z = 10 + 2.5 i, value i; file names and instance numbers say otherwise. */
  private void series(int n, String uid, int number, Path folder) {
    DicomBytes.folder(folder);
    for (int i = 0; i < n; i++) {
      DicomBytes.slice(2, 2)
          .series(uid, number)
          .text(0x00080018, "UI", uid + "." + i)
          .text(0x00200013, "IS", Integer.toString(i * 7 % n))
          .position(-5, -6, 10 + 2.5 * i)
          .shorts(i, i, i, i)
          .write(folder.resolve("s" + i * 5 % n + ".dcm"));
    }
  }

  @Test
  void orderIsThatOfPositions() {
    series(8, "1.2.3", 4, dir.resolve("deep/er"));
    Volume v = Volumes.read(dir);
    SliceStack stack = v.slices();
    assertEquals(8, stack.count());
    for (int i = 0; i < 8; i++) {
      assertEquals(7 - i, stack.values(i)[0]);
      assertEquals(10 + 2.5 * (7 - i), stack.info(i).positionMm(), 1e-9);
      assertEquals(7 - i, stack.info(i).sourceIndex());
    }
    assertArrayEquals(new double[] {1, 1, 2.5}, v.spacingMm(), 1e-9);
    assertEquals("LPS", v.provenance().orientation());
    assertEquals("DICOM", v.provenance().format());
    assertEquals(Provenance.Kind.DICOM, v.provenance().kind());
    assertEquals(Modality.CT, v.provenance().modality());
    assertEquals(List.of(), v.provenance().warnings());
    // Left-most in the picture is the patient's right: DICOM's first column.
    assertEquals(4, v.affine()[0][3], 1e-9);
  }

  @Test
  void otherFilesAreCountedAndNotNamed() throws Exception {
    series(3, "1.2.3", 4, dir);
    Files.writeString(dir.resolve("letter.txt"), "Dear Mrs Mustermann");
    Files.write(dir.resolve("DICOMDIR"), new DicomBytesDirectory().bytes());
    DicomBytes.slice(2, 2)
        .text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\LOCALIZER")
        .write(dir.resolve("scout"));
    List<String> warnings = Volumes.read(dir).provenance().warnings();
    assertEquals(3, warnings.size(), warnings.toString());
    assertTrue(warnings.get(0).contains("1 x file that is not DICOM"), warnings.toString());
    assertTrue(warnings.get(1).contains("1 x DICOM object without a picture"));
    assertTrue(warnings.get(2).contains("1 x localizer"));
  }

  /** A directory object, as every exchange medium has. */
  private static final class DicomBytesDirectory {
    byte[] bytes() {
      return DicomBytes.item()
          .text(0x00020002, "UI", "1.2.840.10008.1.3.10")
          .text(0x00041130, "CS", "DISK")
          .sequence(0x00041220, DicomBytes.item().text(0x00100010, "PN", DicomBytes.PATIENT))
          .file(DicomBytes.EXPLICIT);
    }
  }
}
