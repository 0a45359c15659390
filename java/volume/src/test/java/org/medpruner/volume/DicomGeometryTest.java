package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.volume.fixtures.DicomBytes;

/** Stacks that are unusual: what is read, and what is said about it. */
final class DicomGeometryTest {
  @TempDir Path dir;
  private int files;

  private Path add(DicomBytes d) {
    files++;
    return d.text(0x00080018, "UI", "1.2.9." + files).write(dir.resolve("f" + files));
  }

  /** A slice whose pixels are all its number, in order of writing. */
  private DicomBytes slice(double x, double y, double z) {
    int v = files + 1;
    return DicomBytes.slice(2, 2).position(x, y, z).shorts(v, v, v, v);
  }

  private List<String> warnings() {
    return Volumes.read(dir).provenance().warnings();
  }

  private static double[] firstValues(Volume v) {
    double[] out = new double[v.slices().count()];
    for (int i = 0; i < out.length; i++) {
      out[i] = v.slices().values(i)[0];
    }
    return out;
  }

  @Test
  void missingSlicesAreSaid() {
    for (double z : new double[] {0, 2, 4, 10, 12, 14}) {
      add(slice(0, 0, z));
    }
    Volume v = Volumes.read(dir);
    assertEquals(1, v.provenance().warnings().size());
    String said = v.provenance().warnings().get(0);
    assertTrue(said.startsWith("missing slices: 2 seem to be missing in 1 place"), said);
    // Positions stay true although the grid is even.
    assertEquals(10, v.slices().info(2).positionMm(), 1e-9);
    assertEquals(2.8, v.spacingMm()[2], 1e-9);
  }

  @Test
  void unevenSpacingIsSaid() {
    for (double z : new double[] {0, 2, 4, 7, 9}) {
      add(slice(0, 0, z));
    }
    assertTrue(warnings().get(0).startsWith("uneven spacing: slices lie 2.00 to 3.00 mm apart"));
  }

  @Test
  void roundedPositionsAreEven() {
    for (double z : new double[] {0, 0.6, 1.3, 1.9, 2.5, 3.1, 3.8}) {
      add(slice(0, 0, z));
    }
    assertEquals(List.of(), warnings());
  }

  @Test
  void gantryTiltIsSaidAndKept() {
    double shift = Math.tan(Math.toRadians(15));
    for (int i = 0; i < 5; i++) {
      add(slice(0, 3 * i * shift, 3 * i));
    }
    Volume v = Volumes.read(dir);
    String said = v.provenance().warnings().get(0);
    assertTrue(said.startsWith("gantry tilt") && said.contains("15.0 degrees"), said);
    assertEquals(-3 * shift, v.affine()[1][2], 1e-6);
    assertEquals(1, v.provenance().warnings().size());
  }

  @Test
  void shiftedSlicesAreSaid() {
    for (int i = 0; i < 5; i++) {
      add(slice(i == 2 ? 9 : 0, 0, 3 * i));
    }
    assertTrue(warnings().get(0).startsWith("shifted slices: some lie up to 9"));
  }

  @Test
  void repeatedPositionsAreFrames() {
    for (int echo = 2; echo >= 1; echo--) {
      for (int i = 0; i < 3; i++) {
        add(slice(0, 0, 5 * i).text(0x00180086, "IS", Integer.toString(echo)));
      }
    }
    Volume first = Volumes.read(dir);
    assertArrayEquals(new double[] {6, 5, 4}, firstValues(first));
    assertEquals(List.of(2, 2, 3, 2), first.provenance().shape());
    assertEquals(2, first.provenance().frames());
    assertTrue(first.provenance().warnings().get(0).contains("holds 2 pictures"));
    Volume second = Volumes.read(dir, ReadOptions.DEFAULT.withFrame(1));
    assertArrayEquals(new double[] {3, 2, 1}, firstValues(second));
    Refusals.assertContains(
        "frame 2 does not exist, the series has 2; choose 0 to 1",
        Refusals.message(() -> Volumes.read(dir, ReadOptions.DEFAULT.withFrame(2))));
  }

  /** Scanners round, or move the table, between two echoes. */
  @Test
  void repetitionsSlightlyApartAreFrames() {
    double[] off = {0, 0.002, 0.03, -0.05};
    for (int repetitions : new int[] {2, 4}) {
      for (int i = 0; i < 5; i++) {
        for (int r = 0; r < repetitions; r++) {
          int v = 10 * (r + 1) + i;
          DicomBytes d = slice(0, 0, 3 * i + off[r]).shorts(v, v, v, v);
          add(d.series("1.2.7" + repetitions, repetitions).text(0x00180086, "IS", "" + (r + 1)));
        }
      }
      ReadOptions chosen = ReadOptions.DEFAULT.withSeries("" + repetitions);
      Volume v = Volumes.read(dir, chosen.withFrame(1));
      assertArrayEquals(new double[] {24, 23, 22, 21, 20}, firstValues(v));
      assertEquals(repetitions, v.provenance().frames());
      assertEquals(3, v.spacingMm()[2], 0.03);
      String said = v.provenance().warnings().toString();
      assertTrue(said.contains("were taken as one position"), said);
      assertTrue(said.contains(repetitions == 2 ? "0.0020 mm apart" : "0.080 mm apart"), said);
    }
  }

  /** Of a specimen, 0.05 mm apart; some scanners count every slice as an acquisition. */
  @Test
  void thinSlicesStayApart() {
    for (int i = 0; i < 8; i++) {
      add(slice(0, 0, 0.05 * i + (i > 5 ? 4 : 0)).text(0x00200012, "IS", Integer.toString(i)));
    }
    assertEquals(8, Volumes.read(dir).slices().count());
    for (int i = 0; i < 8; i++) {
      add(
          slice(0, 0, 0.05 * i + (i > 5 ? 4 : 0))
              .series("1.2.8", 8)
              .text(0x00180086, "IS", Integer.toString(i % 2)));
    }
    assertEquals(8, Volumes.read(dir, ReadOptions.DEFAULT.withSeries("8")).slices().count());
  }

  @Test
  void duplicatePositionsAreSaid() {
    for (double z : new double[] {0, 5, 5, 10}) {
      add(slice(0, 0, z).text(0x00200013, "IS", Integer.toString(10 - files)));
    }
    Volume v = Volumes.read(dir);
    assertArrayEquals(new double[] {4, 3, 1}, firstValues(v));
    assertTrue(v.provenance().warnings().get(0).startsWith("duplicate positions: 1 of 3"));
  }

  @Test
  void copiesOfAFileCountOnce() throws Exception {
    for (int i = 0; i < 3; i++) {
      Path file = add(slice(0, 0, 5 * i));
      Files.copy(file, dir.resolve("copy" + i));
    }
    Volume v = Volumes.read(dir);
    assertEquals(3, v.slices().count());
    assertTrue(v.provenance().warnings().get(0).contains("3 x copy of an image"));
  }

  /** Some anonymisers give all files the same UID. */
  @Test
  void oneUidForAllSlicesLosesNone() {
    for (int i = 0; i < 3; i++) {
      slice(0, 0, 5 * i)
          .shorts(i, i, i, i)
          .text(0x00080018, "UI", "1.2.9")
          .write(dir.resolve("s" + i));
    }
    Volume v = Volumes.read(dir);
    assertArrayEquals(new double[] {2, 1, 0}, firstValues(v));
    assertEquals(List.of(), v.provenance().warnings());
  }

  @Test
  void withoutPixelSpacingPositionsStillOrder() {
    for (int i = 0; i < 3; i++) {
      add(
          slice(0, 0, new int[] {8, 0, 4}[i])
              .without(0x00280030)
              .text(0x00200013, "IS", Integer.toString(i)));
    }
    Volume v = Volumes.read(dir);
    assertArrayEquals(new double[] {1, 3, 2}, firstValues(v));
    assertArrayEquals(new double[] {1, 1, 4}, v.spacingMm(), 1e-9);
    assertEquals(
        List.of("the DICOM header gives no pixel spacing; 1 mm was assumed"),
        v.provenance().warnings());
  }

  @Test
  void sagittalSlicesKnowWhereTheyLie() {
    for (int i = 0; i < 4; i++) {
      add(slice(-20 + 4 * i, -50, 60).orientation(0, 1, 0, 0, 0, -1));
    }
    Volume v = Volumes.read(dir);
    // Columns to posterior, rows to inferior; the normal (row x column) points right.
    assertEquals("PIR", v.provenance().orientation());
    assertArrayEquals(new int[] {4, 2, 2}, v.shape());
    assertArrayEquals(new double[] {4, 1, 1}, v.spacingMm(), 1e-9);
    SliceStack sagittal = v.slices(Axis.SAGITTAL, false);
    // The first presented slice is the patient's right: x = -20 in DICOM's LPS.
    assertEquals(1, sagittal.values(0)[0]);
    assertEquals(20, sagittal.info(0).positionMm(), 1e-9);
  }

  @Test
  void twoOrientationsAreTwoSeries() {
    for (int i = 0; i < 4; i++) {
      add(slice(0, 0, 5 * i));
    }
    for (int i = 0; i < 3; i++) {
      add(slice(5 * i, 0, 0).orientation(0, 1, 0, 0, 0, -1));
    }
    Volume v = Volumes.read(dir);
    assertEquals(4, v.slices().count());
    String said = v.provenance().warnings().get(0);
    assertTrue(said.contains("series 3-1 (CT, 2 x 2, 4 slices)"), said);
    assertTrue(said.contains("the others: 3-2 (CT, 2 x 2, 3 slices)"), said);
    assertEquals(
        3,
        Volumes.read(dir, ReadOptions.DEFAULT.withSeries("3-2"))
            .slices(Axis.SAGITTAL, false)
            .count());
    Refusals.assertContains(
        "holds 2 series that are meant",
        Refusals.message(() -> Volumes.read(dir, ReadOptions.DEFAULT.withSeries("1.2.3"))));
  }

  @Test
  void withoutPositionsInstanceNumbersOrder() {
    for (int i = 0; i < 3; i++) {
      add(slice(0, 0, 0).without(0x00200032).text(0x00200013, "IS", Integer.toString(9 - i)));
    }
    Volume v = Volumes.read(dir);
    assertArrayEquals(new double[] {3, 2, 1}, firstValues(v));
    assertTrue(v.provenance().warnings().get(0).contains("order of their instance numbers"));
    assertEquals("", v.provenance().orientation());
    assertTrue(Double.isNaN(v.spacingMm()[0]));
    Refusals.assertContains(
        "has no orientation", Refusals.message(() -> v.slices(Axis.CORONAL, false)));
    add(slice(0, 0, 0).without(0x00200032).text(0x00200013, "IS", "8"));
    Refusals.assertContains("order is unknown", Refusals.message(() -> Volumes.read(dir)));
  }

  @Test
  void enhancedMultiFrame() {
    for (boolean undefined : new boolean[] {false, true}) {
      for (String syntax :
          List.of(DicomBytes.EXPLICIT, DicomBytes.IMPLICIT, DicomBytes.BIG_ENDIAN)) {
        List<DicomBytes> perFrame = new ArrayList<>();
        int[] values = new int[12];
        for (int f = 0; f < 3; f++) {
          // Stored top, bottom, middle.
          DicomBytes position = DicomBytes.item().position(1, 2, new double[] {20, 0, 10}[f]);
          perFrame.add(group(undefined).sequence(0x00209113, mark(position, undefined)));
          for (int i = 0; i < 4; i++) {
            values[4 * f + i] = f;
          }
        }
        DicomBytes shared =
            group(undefined)
                .sequence(
                    0x00209116, mark(DicomBytes.item().orientation(1, 0, 0, 0, 1, 0), undefined))
                .sequence(
                    0x00289110,
                    mark(DicomBytes.item().text(0x00280030, "DS", "0.5\\0.25"), undefined))
                .sequence(0x00289145, mark(DicomBytes.item().rescale(2, -7), undefined));
        DicomBytes d =
            DicomBytes.slice(2, 2)
                .without(0x00200032)
                .without(0x00200037)
                .without(0x00280030)
                .text(0x00280008, "IS", "3")
                .shorts(values)
                .sequence(0x52009229, shared)
                .sequence(0x52009230, perFrame.toArray(new DicomBytes[0]));
        Volume v = Volumes.read(mark(d, undefined).write(dir.resolve("e"), syntax));
        assertArrayEquals(new double[] {-7, -3, -5}, firstValues(v), syntax);
        assertArrayEquals(new double[] {0.25, 0.5, 10}, v.spacingMm(), 1e-9);
        assertEquals(List.of(), v.provenance().warnings());
      }
    }
  }

  private static DicomBytes group(boolean undefined) {
    return mark(DicomBytes.item(), undefined);
  }

  private static DicomBytes mark(DicomBytes d, boolean undefined) {
    return undefined ? d.undefinedLengths() : d;
  }

  @Test
  void classicMultiFrameKeepsTheOrderOfFrames() {
    DicomBytes d = DicomBytes.slice(1, 1).text(0x00280008, "IS", "3").shorts(7, 5, 6);
    Volume v = Volumes.read(add(d));
    assertArrayEquals(new double[] {7, 5, 6}, firstValues(v));
    assertTrue(v.provenance().warnings().get(0).contains("order of the frames"));
  }

  @Test
  void clipsWithoutPositionsFollowEachOther() {
    for (int i = 0; i < 2; i++) {
      add(
          DicomBytes.slice(1, 1)
              .without(0x00200032)
              .text(0x00200013, "IS", Integer.toString(2 - i))
              .text(0x00280008, "IS", "2")
              .shorts(7 + 10 * i, 5 + 10 * i));
    }
    Volume v = Volumes.read(dir);
    assertArrayEquals(new double[] {17, 15, 7, 5}, firstValues(v));
    assertTrue(v.provenance().warnings().get(0).contains("order of their instance numbers"));
  }

  /** Written by programs that do not know the functional groups. */
  @Test
  void functionalGroupsPassedOnAsUnknown() {
    DicomBytes[] perFrame = new DicomBytes[2];
    for (int f = 0; f < 2; f++) {
      perFrame[f] =
          DicomBytes.item()
              .sequence(0x00209113, DicomBytes.item().position(0, 0, 9 - 9 * f))
              .sequence(0x00289145, DicomBytes.item().rescale(1, 100));
    }
    DicomBytes d =
        DicomBytes.slice(1, 1)
            .text(0x00280008, "IS", "2")
            .shorts(1, 2)
            .unknown(0x52009230, perFrame);
    Volume v = Volumes.read(add(d));
    assertArrayEquals(new double[] {101, 102}, firstValues(v));
    assertEquals(9, v.spacingMm()[2], 1e-9);
    assertEquals(List.of(), v.provenance().warnings());
  }

  @Test
  void functionalGroupsStateTheUnit() {
    for (String unit : List.of("HU", "MGML")) {
      DicomBytes shared =
          DicomBytes.item()
              .sequence(0x00289145, DicomBytes.item().rescale(1, 0).text(0x00281054, "LO", unit));
      Volume v = Volumes.read(add(DicomBytes.slice(2, 2).sequence(0x52009229, shared)));
      boolean hounsfield = unit.equals("HU");
      assertEquals(hounsfield ? Modality.CT : Modality.AUTO, v.provenance().modality());
      assertEquals(
          !hounsfield,
          v.provenance().warnings().stream().anyMatch(w -> w.contains("not Hounsfield units")));
    }
  }

  @Test
  void slicesScaledDifferently() {
    add(slice(0, 0, 0).rescale(0.5, 0));
    add(slice(0, 0, 4).rescale(3, 1));
    Volume v = Volumes.read(dir);
    assertArrayEquals(new double[] {7, 0.5}, firstValues(v));
    assertEquals("float32", v.provenance().dtype());
    assertTrue(v.provenance().warnings().get(0).contains("scaled differently"));
  }

  @Test
  void monochrome1IsInvertedUnlessItIsHounsfield() {
    DicomBytes d =
        DicomBytes.slice(2, 1)
            .text(0x00280004, "CS", "MONOCHROME1")
            .bits(16, 12, 11, false)
            .shorts(0, 4000);
    assertArrayEquals(new double[] {0, 4000}, Volumes.read(add(d)).slices().values(0));
    d.text(0x00080060, "CS", "DX");
    Volume v = Volumes.read(add(d));
    assertArrayEquals(new double[] {4095, 95}, v.slices().values(0));
    assertTrue(v.provenance().warnings().stream().anyMatch(w -> w.contains("were inverted")));
    d.bits(16, 12, 11, true).shorts(-2048, 2047);
    assertArrayEquals(new double[] {2047, -2048}, Volumes.read(add(d)).slices().values(0));
  }

  @Test
  void paddingFarFromTheDataIsFlattened() {
    DicomBytes d =
        DicomBytes.slice(3, 1)
            .bits(16, 16, 15, true)
            .u16(0x00280120, 0xF830) // -2000
            .shorts(-2000, 10, 500)
            .rescale(1, -24);
    Volume v = Volumes.read(add(d));
    assertArrayEquals(new double[] {-14, -14, 476}, v.slices().values(0));
    assertTrue(v.provenance().warnings().get(0).startsWith("1 padding voxels"));
    // Next to the data it is the background already.
    d.u16(0x00280120, 7).shorts(7, 10, 500);
    assertArrayEquals(new double[] {-17, -14, 476}, Volumes.read(add(d)).slices().values(0));
  }

  @Test
  void headerDecidesTheRecipe() {
    DicomBytes d = DicomBytes.slice(2, 1).shorts(5, 9);
    Volume ct = Volumes.read(add(d));
    assertTrue(Recipe.forModality(Modality.AUTO, ct).toString().contains("CT, the header says"));
    Volume mr = Volumes.read(add(d.text(0x00080060, "CS", "MR")));
    assertTrue(Recipe.forModality(Modality.AUTO, mr).toString().contains("MRI, the header says"));
    Volume other = Volumes.read(add(d.text(0x00080060, "CS", "PT")));
    assertTrue(Recipe.forModality(Modality.AUTO, other).toString().contains("detected"));
  }

  /** What a scanner's enhanced object says of a frame. */
  private static DicomBytes frame(double z, int tag, String vr, byte... content) {
    boolean echo = tag == 0x00189082;
    return DicomBytes.item()
        .sequence(0x00209113, DicomBytes.item().position(0, 0, z))
        .sequence(echo ? 0x00189114 : 0x00209111, DicomBytes.item().bytes(tag, vr, content));
  }

  private static DicomBytes enhanced(DicomBytes... perFrame) {
    int[] values = new int[perFrame.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    return DicomBytes.slice(1, 1)
        .text(0x00080060, "CS", "MR")
        .text(0x00280008, "IS", Integer.toString(perFrame.length))
        .shorts(values)
        .sequence(0x52009230, perFrame);
  }

  /** They may be stored in any order. */
  @Test
  void framesOfOnePositionAreToldApartByWhatTheySay() {
    byte[] one = {1, 0, 0, 0};
    byte[] two = {2, 0, 0, 0};
    byte[] dimensionsOfOne = {1, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0};
    byte[] dimensionsOfTwo = {1, 0, 0, 0, 7, 0, 0, 0, 10, 0, 0, 0};
    byte[] short20ms = {0, 0, 0, 0, 0, 0, 0x34, 0x40};
    byte[] long80ms = {0, 0, 0, 0, 0, 0, 0x54, 0x40};
    for (Object[] c :
        new Object[][] {
          {0x00209128, "UL", one, two},
          {0x00209157, "UL", dimensionsOfOne, dimensionsOfTwo},
          {0x00189082, "FD", short20ms, long80ms}
        }) {
      int tag = (Integer) c[0];
      String vr = (String) c[1];
      byte[] first = (byte[]) c[2];
      byte[] second = (byte[]) c[3];
      Path file =
          enhanced(
                  frame(0, tag, vr, second),
                  frame(0, tag, vr, first),
                  frame(5, tag, vr, first),
                  frame(5, tag, vr, second))
              .write(dir.resolve("e"));
      Volume v = Volumes.read(file);
      assertArrayEquals(new double[] {2, 1}, firstValues(v));
      assertArrayEquals(
          new double[] {3, 0}, firstValues(Volumes.read(file, ReadOptions.DEFAULT.withFrame(1))));
      assertEquals(1, v.provenance().warnings().size(), v.provenance().warnings().toString());
    }
  }

  @Test
  void framesThatNothingTellsApartAreSaid() {
    byte[] same = {1, 0, 0, 0};
    DicomBytes low = frame(0, 0x00209128, "UL", same);
    DicomBytes high = frame(5, 0x00209128, "UL", same);
    Volume v = Volumes.read(enhanced(low, high, high, low).write(dir.resolve("e")));
    assertArrayEquals(new double[] {1, 0}, firstValues(v));
    assertTrue(
        v.provenance().warnings().get(0).contains("were taken in the order of the file"),
        v.provenance().warnings().toString());
  }

  /** Their names would put the second slice of one time between those of the other. */
  @Test
  void filesOfOnePositionThatNothingTellsApartAreRefused() {
    for (String name : List.of("a0", "b1", "a2", "b0", "a1", "b2")) {
      int z = name.charAt(1) - '0';
      add(slice(0, 0, 5 * z), name);
    }
    String message = Refusals.message(() -> Volumes.read(dir));
    Refusals.assertContains("files hold different pictures of one position", message);
    Refusals.assertContains("give a folder with one of each position", message);
  }

  private Path add(DicomBytes d, String name) {
    files++;
    return d.text(0x00080018, "UI", "1.2.9." + files).write(dir.resolve(name));
  }

  /** As anonymised studies have it: before and after a contrast agent. */
  @Test
  void twoSeriesOfTheSameUidsAreTwo() {
    for (int series = 1; series <= 2; series++) {
      for (int i = 0; i < 3; i++) {
        // Air, which is the same in both.
        int v = i == 0 ? 0 : series;
        slice(0, 0, 5 * i)
            .shorts(v, v, v, v)
            .series("1.2.3.5" + series, series)
            .text(0x00080018, "UI", "1.2.9")
            .text(0x00200013, "IS", Integer.toString(i))
            .write(dir.resolve(series + "-" + i));
      }
    }
    Refusals.assertContains("holds 2 series", Refusals.message(() -> Volumes.read(dir)));
    for (int series = 1; series <= 2; series++) {
      Volume v = Volumes.read(dir, ReadOptions.DEFAULT.withSeries("" + series));
      assertArrayEquals(new double[] {series, series, 0}, firstValues(v));
      assertEquals(List.of(), v.provenance().warnings());
    }
  }

  @Test
  void oneUidWithoutPositionsLosesNone() {
    for (int i = 0; i < 3; i++) {
      DicomBytes d = slice(0, 0, 0).without(0x00200032).shorts(i, i, i, i);
      d.text(0x00080018, "UI", "1.2.9").write(dir.resolve("s" + i));
    }
    Refusals.assertContains("order is unknown", Refusals.message(() -> Volumes.read(dir)));
  }

  /** Two times whose files differ in nothing but their pixels are no copies. */
  @Test
  void oneUidForTwoTimesLosesNone() {
    for (int i = 0; i < 6; i++) {
      slice(0, 0, 5 * (i % 3))
          .shorts(i, i, i, i)
          .text(0x00080018, "UI", "1.2.9")
          .text(0x00200013, "IS", Integer.toString(i % 3))
          .write(dir.resolve("s" + i));
    }
    Refusals.assertContains(
        "files hold different pictures of one position", Refusals.message(() -> Volumes.read(dir)));
  }

  /** Some archives write a copy with other private elements, or compress it. */
  @Test
  void copiesWithAnotherHeaderOrEncodingCountOnce() {
    for (int i = 0; i < 3; i++) {
      DicomBytes d = slice(0, 0, 5 * i).text(0x00200013, "IS", Integer.toString(i));
      add(d);
      d.text(0x00090010, "LO", "SOMEBODY").write(dir.resolve("g" + i));
      d.write(dir.resolve("h" + i), DicomBytes.DEFLATED);
    }
    Volume v = Volumes.read(dir);
    assertArrayEquals(new double[] {3, 2, 1}, firstValues(v));
    assertTrue(v.provenance().warnings().get(0).contains("6 x copy of an image"));
  }

  @Test
  void theThicknessOfOneEnhancedSlice() {
    DicomBytes measures =
        DicomBytes.item()
            .text(0x00280030, "DS", "0.7\\0.6")
            .text(0x00180050, "DS", "2")
            .text(0x00180088, "DS", "2.5");
    DicomBytes shared = DicomBytes.item().sequence(0x00289110, measures);
    DicomBytes own = DicomBytes.item().sequence(0x00209113, DicomBytes.item().position(0, 0, 1));
    Volume v =
        Volumes.read(
            add(DicomBytes.slice(2, 2).sequence(0x52009229, shared).sequence(0x52009230, own)));
    assertArrayEquals(new double[] {0.6, 0.7, 2.5}, v.spacingMm(), 1e-9);
    assertEquals(List.of(), v.provenance().warnings());
  }
}
