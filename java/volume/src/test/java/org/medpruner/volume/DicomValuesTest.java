package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.volume.fixtures.DicomBytes;

/** Padding, and slices of one series whose values are stored differently. */
final class DicomValuesTest {
  private static final int PADDING = 0x00280120;
  private static final int LIMIT = 0x00280121;

  @TempDir Path dir;
  private int files;

  /** The next slice upwards, of signed values in one row. */
  private DicomBytes slice(int... values) {
    return DicomBytes.slice(values.length, 1)
        .text(0x00080060, "CS", "MR")
        .bits(16, 16, 15, true)
        .position(0, 0, 4 * files)
        .shorts(values);
  }

  private void add(DicomBytes d) {
    files++;
    d.text(0x00080018, "UI", "1.2.9." + files).write(dir.resolve("f" + files));
  }

  /** Presented slices run from superior to inferior, so the file written last comes first. */
  private static void assertValues(Volume v, double[]... expected) {
    assertEquals(expected.length, v.slices().count());
    for (int i = 0; i < expected.length; i++) {
      assertArrayEquals(expected[i], v.slices().values(expected.length - 1 - i), 1e-6, "file " + i);
    }
  }

  private static List<String> paddingWarnings(Volume v) {
    return v.provenance().warnings().stream().filter(w -> w.contains("padding voxels")).toList();
  }

  @Test
  void paddingOfSlicesThatAreScaledDifferently() {
    for (int i = 0; i < 4; i++) {
      add(slice(-32768, 21, 500, 900).u16(PADDING, 0x8000).rescale(1 + i, 3));
    }
    Volume v = Volumes.read(dir);
    assertValues(
        v,
        new double[] {24, 24, 503, 903},
        new double[] {24, 45, 1003, 1803},
        new double[] {24, 66, 1503, 2703},
        new double[] {24, 87, 2003, 3603});
    assertEquals("float32", v.provenance().dtype());
    assertEquals(
        List.of("4 padding voxels were given the lowest value of the others, they are no data"),
        paddingWarnings(v));
  }

  /** Each file's padding is its own: what another calls padding is a value here. */
  @Test
  void filesOfDifferentPadding() {
    add(slice(-32768, 21, 500, 900).u16(PADDING, 0x8000));
    add(slice(-32000, -32000, 500, 40).u16(PADDING, 0x8300));
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {21, 21, 500, 900}, new double[] {21, 21, 500, 40});
    assertEquals("int16", v.provenance().dtype());
    assertTrue(paddingWarnings(v).get(0).startsWith("3 padding voxels"));
    add(slice(-32768, 21, 500, 900));
    v = Volumes.read(dir);
    assertEquals(-32768, v.slices().values(0)[0]);
    assertEquals(List.of(), paddingWarnings(v));
  }

  /** Some writers call 0 padding although it is measured. */
  @Test
  void paddingAmongTheValuesStaysWhereAnotherIsReplaced() {
    add(slice(-1000, 0, 500, 900).u16(PADDING, 0));
    add(slice(-32768, 0, 500, 900).u16(PADDING, 0x8000));
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {-1000, 0, 500, 900}, new double[] {-1000, 0, 500, 900});
    assertTrue(paddingWarnings(v).get(0).startsWith("1 padding voxels"));
  }

  @Test
  void paddingFromValueToLimitOfSlicesThatAreScaledDifferently() {
    for (int i = 0; i < 2; i++) {
      add(slice(-2000, -1990, 100, 500).u16(PADDING, 0xF830).u16(LIMIT, 0xF83A).rescale(1 + i, 0));
    }
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {100, 100, 100, 500}, new double[] {100, 100, 200, 1000});
    assertTrue(paddingWarnings(v).get(0).startsWith("4 padding voxels"));
  }

  @Test
  void paddingOfFramesThatAreScaledDifferently() {
    DicomBytes[] perFrame = new DicomBytes[3];
    for (int f = 0; f < 3; f++) {
      perFrame[f] =
          DicomBytes.item()
              .sequence(0x00209113, DicomBytes.item().position(0, 0, 4 * f))
              .sequence(0x00289145, DicomBytes.item().rescale(1 + f, 0));
    }
    add(
        slice(-32768, 10, 200, -32768, 20, 200, 30, 5, 210)
            .u16(0x00280011, 3)
            .text(0x00280008, "IS", "3")
            .u16(PADDING, 0x8000)
            .sequence(0x52009230, perFrame));
    Volume v = Volumes.read(dir);
    assertValues(
        v, new double[] {10, 10, 200}, new double[] {10, 40, 400}, new double[] {90, 15, 630});
    assertTrue(paddingWarnings(v).get(0).startsWith("2 padding voxels"));
  }

  /** The lowest value is the highest of the stored ones. */
  @Test
  void paddingUnderANegativeSlope() {
    add(slice(-32768, 10, 200).u16(PADDING, 0x8000).rescale(-2, 0));
    assertValues(Volumes.read(dir), new double[] {-400, -20, -400});
  }

  @Test
  void nothingButPaddingIsLeftAlone() {
    for (int i = 0; i < 2; i++) {
      add(slice(-2000, -2000).u16(PADDING, 0xF830).rescale(1 + i, 0));
    }
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {-2000, -2000}, new double[] {-4000, -4000});
    assertEquals(List.of(), paddingWarnings(v));
  }

  /** Programs that rewrite a series choose sign and width by what a slice holds. */
  @Test
  void slicesOfAnotherSignAreOfTheSameSeries() {
    add(slice(-5, 900));
    add(slice(0, 40_000).bits(16, 16, 15, false));
    add(slice(-7, 800).rescale(1, 0));
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {-5, 900}, new double[] {0, 40_000}, new double[] {-7, 800});
    assertEquals("float32", v.provenance().dtype());
    assertEquals(
        List.of(
            "slices are stored as integers of different sign or width: values were scaled one by"
                + " one, to float32"),
        v.provenance().warnings());
  }

  @Test
  void slicesOfAnotherWidthAreOfTheSameSeries() {
    byte[] wide =
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putInt(-70_000).putInt(9).array();
    add(slice(-5, 900).rescale(2, 1));
    add(slice(0, 0).bits(32, 32, 31, true).bytes(0x7FE00010, "OW", wide).rescale(2, 1));
    add(slice(0, 0).bits(8, 8, 7, false).pixels((byte) 200, (byte) 3).rescale(2, 1));
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {-9, 1801}, new double[] {-139_999, 19}, new double[] {401, 7});
    assertEquals("float32", v.provenance().dtype());
  }

  /** A padding of 63536 and one of -2000 are the same 16 bits. */
  @Test
  void paddingOfSlicesOfAnotherSign() {
    add(slice(-2000, 10, 500).u16(PADDING, 0xF830));
    add(slice(63_536, 12, 400).bits(16, 16, 15, false).u16(PADDING, 0xF830));
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {10, 10, 500}, new double[] {10, 12, 400});
    assertTrue(paddingWarnings(v).get(0).startsWith("2 padding voxels"));
  }

  /** White and black change places about the middle of what can be stored. */
  @Test
  void invertedSlicesOfAnotherSignStayApart() {
    add(slice(3, 4).text(0x00280004, "CS", "MONOCHROME1"));
    add(slice(3, 4).text(0x00280004, "CS", "MONOCHROME1"));
    add(slice(3, 4).text(0x00280004, "CS", "MONOCHROME1").bits(16, 16, 15, false));
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {-4, -5}, new double[] {-4, -5});
  }

  /** Air may be stored at 0, and a screen shot is grey. */
  @Test
  void aCtThatStatesNoRescalingIsNotTakenForHounsfieldUnits() {
    DicomBytes d = DicomBytes.slice(3, 1).without(0x00281052).without(0x00281053);
    add(d.shorts(0, 1024, 2000));
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {0, 1024, 2000});
    assertEquals(Modality.AUTO, v.provenance().modality());
    assertTrue(
        v.provenance()
            .warnings()
            .contains(
                "the header of this CT states no rescaling to Hounsfield units: values are as they"
                    + " are stored"),
        v.provenance().warnings().toString());
    assertTrue(Recipe.forModality(Modality.AUTO, v).toString().contains("detected MRI"));
    // Where dark is up to the reader it is made dark.
    add(d.position(0, 0, 0).series("1.2.5", 5).text(0x00280004, "CS", "MONOCHROME1"));
    Volume inverted = Volumes.read(dir, ReadOptions.DEFAULT.withSeries("5"));
    assertValues(inverted, new double[] {65_535, 64_511, 63_535});
    // The unit alone says enough, and so does the intercept.
    add(d.series("1.2.6", 6).text(0x00280004, "CS", "MONOCHROME2").text(0x00281054, "LO", "HU"));
    add(d.series("1.2.7", 7).without(0x00281054).text(0x00281052, "DS", "-1024"));
    for (String series : List.of("6", "7")) {
      Volume ct = Volumes.read(dir, ReadOptions.DEFAULT.withSeries(series));
      assertEquals(Modality.CT, ct.provenance().modality());
    }
  }

  /** A capture that a series was given stands among its slices. */
  @Test
  void oneSliceWithoutRescalingUnsettlesTheSeries() {
    add(slice(0, 1024).text(0x00080060, "CS", "CT").rescale(1, -1024));
    add(slice(0, 1024).text(0x00080060, "CS", "CT"));
    assertEquals(Modality.CT, Volumes.read(dir).provenance().modality());
    add(slice(0, 200).text(0x00080060, "CS", "CT").without(0x00281052).without(0x00281053));
    assertEquals(Modality.AUTO, Volumes.read(dir).provenance().modality());
  }

  @Test
  void colourPicturesOfACtHaveNoUnit() {
    add(
        DicomBytes.slice(1, 1)
            .u16(0x00280002, 3)
            .text(0x00280004, "CS", "RGB")
            .bits(8, 8, 7, false)
            .pixels((byte) 1, (byte) 2, (byte) 3));
    Volume v = Volumes.read(dir);
    assertEquals(Modality.AUTO, v.provenance().modality());
    assertEquals(
        List.of(), v.provenance().warnings().stream().filter(w -> w.contains("CT")).toList());
  }

  @Test
  void malformedElementsThatNothingNeedsRefuseNothing() {
    for (String thickness : List.of("2mm", "2,5", "UNKNOWN")) {
      files = 0;
      for (int i = 0; i < 3; i++) {
        add(slice(i, 9).text(0x00180050, "DS", thickness).text(0x00180088, "DS", thickness));
      }
      Volume v = Volumes.read(dir);
      assertValues(v, new double[] {0, 9}, new double[] {1, 9}, new double[] {2, 9});
      assertEquals(List.of(), v.provenance().warnings());
      // Only a slice without neighbours needs it.
      assertEquals(
          List.of("the DICOM header gives the one slice no thickness; 1 mm was assumed"),
          Volumes.read(dir.resolve("f1")).provenance().warnings());
    }
  }

  @Test
  void aMalformedPaddingIsSaid() {
    add(slice(-2000, 9).text(PADDING, "LO", "-2000"));
    Volume v = Volumes.read(dir);
    assertValues(v, new double[] {-2000, 9});
    assertTrue(
        v.provenance()
            .warnings()
            .contains("the header's padding value cannot be read; no voxel was taken for padding"),
        v.provenance().warnings().toString());
  }
}
