package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.volume.fixtures.DicomBytes;

/** Every bad DICOM file ends in one line that names no patient, whatever is wrong with it. */
final class DicomBadInputTest {
  private static final String NAME = "Mustermann_Erika";

  @TempDir Path dir;

  private String refused(byte[] bytes) {
    Path file = NiftiBytes.write(dir.resolve(NAME + ".dcm"), bytes);
    VolumeException e =
        assertTimeoutPreemptively(
            Duration.ofSeconds(60),
            () -> assertThrows(VolumeException.class, () -> Volumes.read(file)));
    assertNameless(e);
    return String.valueOf(e.getMessage());
  }

  private static void assertNameless(VolumeException e) {
    StringWriter trace = new StringWriter();
    e.printStackTrace(new PrintWriter(trace));
    String all = trace.toString();
    assertFalse(all.contains("Mustermann") || all.contains("4711"), all);
    assertNull(e.getCause());
    assertTrue(String.valueOf(e.getMessage()).lines().count() == 1, all);
  }

  private static DicomBytes good() {
    return DicomBytes.slice(4, 4);
  }

  @Test
  void truncatedAnywhere() {
    byte[] whole = good().file(DicomBytes.EXPLICIT);
    for (int n = 140; n < whole.length; n += 1) {
      String message = refused(Arrays.copyOf(whole, n));
      assertTrue(message.startsWith("DICOM file: "), message);
      assertFalse(message.contains("the file: "), message);
    }
  }

  @Test
  void lyingLengths() {
    byte[] whole = good().file(DicomBytes.IMPLICIT);
    int pixels = whole.length - 32;
    for (int at : new int[] {pixels - 4, 132 + good().meta(DicomBytes.IMPLICIT).length + 4}) {
      for (int length : new int[] {0x7fffffff, 0xfffffffe, whole.length}) {
        byte[] b = whole.clone();
        for (int k = 0; k < 4; k++) {
          b[at + k] = (byte) (length >> 8 * k);
        }
        Refusals.assertContains("truncated", refused(b));
      }
    }
  }

  @Test
  void deepNestingIsNotFollowed() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(Arrays.copyOf(good().file(DicomBytes.IMPLICIT), 132));
    out.writeBytes(good().meta(DicomBytes.IMPLICIT));
    byte[] open = {0x08, 0, 0x40, 0x11, -1, -1, -1, -1, -2, -1, 0, -32, -1, -1, -1, -1};
    for (int i = 0; i < 100_000; i++) {
      out.writeBytes(open);
    }
    Refusals.assertContains("nest more than", refused(out.toByteArray()));
  }

  @Test
  void deflateBombsStopAtWhatTheHeaderStates() {
    // 64 MB of zeros in 64 kB: a private value that is skipped in constant memory, then no pixels.
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(report().body(DicomBytes.EXPLICIT));
    body.writeBytes(new byte[] {0x29, 0, 0x10, 0x10, 'O', 'B', 0, 0, 0, 0, 0, 4});
    body.writeBytes(new byte[64 << 20]);
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(new byte[128]);
    file.writeBytes("DICM".getBytes(StandardCharsets.US_ASCII));
    file.writeBytes(good().meta(DicomBytes.DEFLATED));
    file.writeBytes(DicomBytes.deflate(body.toByteArray()));
    Refusals.assertContains("no picture", refused(file.toByteArray()));
    byte[] cut = good().file(DicomBytes.DEFLATED);
    Refusals.assertContains("truncated", refused(Arrays.copyOf(cut, cut.length - 20)));
    byte[] broken = cut.clone();
    Arrays.fill(broken, cut.length / 2, cut.length, (byte) -1);
    refused(broken);
  }

  @Test
  void hugeClaims() {
    Refusals.assertContains(
        "truncated",
        refused(good().u16(0x00280010, 8192).u16(0x00280011, 8192).file(DicomBytes.EXPLICIT)));
    Refusals.assertContains(
        "more than any slice",
        refused(good().u16(0x00280010, 65535).u16(0x00280011, 65535).file(DicomBytes.EXPLICIT)));
    Refusals.assertContains(
        "frames are impossible",
        refused(good().text(0x00280008, "IS", "2147483647").file(DicomBytes.EXPLICIT)));
    Refusals.assertContains(
        "truncated", refused(good().text(0x00280008, "IS", "100000").file(DicomBytes.EXPLICIT)));
    DicomBytes rle =
        good()
            .u16(0x00280010, 8192)
            .u16(0x00280011, 8192)
            .fragments(new byte[0], DicomCompressedTest.rle(new byte[1], new byte[1]));
    Refusals.assertContains("RLE", refused(rle.file(DicomBytes.RLE)));
  }

  @ParameterizedTest
  @CsvSource({
    "00280010,0,no rows",
    "00280011,0,no rows",
    "00280100,12,12 bits per pixel",
    "00280100,1,1 bits per pixel",
    "00280101,17,do not fit",
    "00280101,0,do not fit",
    "00280102,16,do not fit",
    "00280102,3,do not fit",
    "00280002,3,with 3 samples"
  })
  void impossibleNumbers(String tag, int value, String expected) {
    DicomBytes d = good().u16(Integer.parseUnsignedInt(tag, 16), value);
    Refusals.assertContains(expected, refused(d.file(DicomBytes.EXPLICIT)));
  }

  @ParameterizedTest
  @CsvSource({
    "00200032,1\\2,does not hold",
    "00200032,1\\Mustermann\\3,does not hold",
    "00200032,1\\NaN\\3,does not hold",
    "00200032,1\\2\\1e300,10 m away",
    "00200032,1\\2\\1e999,does not hold",
    "00200037,1\\0\\0\\1\\0\\0,right angle",
    "00200037,2\\0\\0\\0\\1\\0,right angle",
    "00280030,0\\1,not positive",
    "00280030,-1\\1,not positive",
    "00281053,0,does not hold",
    "00281053,ID-4711,does not hold",
    "00280004,PALETTE COLOR,PALETTE COLOR",
    "00280004,Mustermann,unknown photometric"
  })
  void impossibleTexts(String tag, String value, String expected) {
    DicomBytes d = good().text(Integer.parseUnsignedInt(tag, 16), "DS", value);
    Refusals.assertContains(expected, refused(d.file(DicomBytes.EXPLICIT)));
  }

  @Test
  void unsupportedSyntaxesAreNamed() {
    for (String[] c :
        new String[][] {
          {"1.2.840.10008.1.2.4.80", "JPEG-LS Lossless (1.2.840.10008.1.2.4.80)"},
          {"1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000 (1.2.840.10008.1.2.4.203)"},
          {"1.2.840.10008.1.2.4.102", "MPEG-4"},
          {"1.2.826.0.1.9", "an unknown transfer syntax (1.2.826.0.1.9)"},
          {"Mustermann", "UID not valid"}
        }) {
      String message = refused(good().fragments(new byte[0], new byte[8]).file(c[0]));
      Refusals.assertContains(c[1], message);
      Refusals.assertContains("gdcmconv --raw", message);
    }
  }

  @Test
  void syntaxAndPixelsThatDisagree() {
    Refusals.assertContains("not encoded as", refused(good().file(DicomCompressedTest.LOSSLESS_1)));
    Refusals.assertContains(
        "not encoded as",
        refused(good().fragments(new byte[0], new byte[32]).file(DicomBytes.EXPLICIT)));
  }

  @Test
  void otherObjects() {
    Refusals.assertContains("holds no picture", refused(report().file(DicomBytes.EXPLICIT)));
    Refusals.assertContains(
        "holds no picture",
        refused(good().text(0x00080060, "CS", "SEG").file(DicomBytes.EXPLICIT)));
    Refusals.assertContains(
        "look-up table",
        refused(good().sequence(0x00283000, DicomBytes.item()).file(DicomBytes.EXPLICIT)));
  }

  private static DicomBytes report() {
    return good()
        .text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.88.11")
        .text(0x00080060, "CS", "SR")
        .without(0x00280010)
        .without(0x00280011)
        .without(0x00280100)
        .without(0x7FE00010);
  }

  /** Cut between two elements, so that nothing before it is amiss. */
  @Test
  void aPictureWithoutPixelsIsTruncated() {
    for (String syntax : List.of(DicomBytes.EXPLICIT, DicomBytes.IMPLICIT, DicomBytes.DEFLATED)) {
      DicomBytes cut = good().without(0x7FE00010);
      Refusals.assertContains("DICOM file: truncated", refused(cut.file(syntax)));
      // Of a class that is unknown the description of the pixels tells.
      cut.text(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.999");
      Refusals.assertContains("truncated", refused(cut.file(syntax)));
      cut.without(0x00080016);
      Refusals.assertContains("truncated", refused(cut.file(syntax)));
    }
    // Nobody sends pixels that another server has.
    Refusals.assertContains(
        "holds no picture",
        refused(good().without(0x7FE00010).file("1.2.840.10008.1.2.4.94", DicomBytes.EXPLICIT)));
    // Of a known one nothing more is needed.
    DicomBytes begun = good().without(0x7FE00010).without(0x00280010).without(0x00280100);
    Refusals.assertContains("truncated", refused(begun.file(DicomBytes.EXPLICIT)));
  }

  /** Objects that have no pixels and lack none. */
  @ParameterizedTest
  @CsvSource({
    "1.2.840.10008.5.1.4.1.1.88.11, SR, structured report",
    "1.2.840.10008.5.1.4.1.1.11.1, PR, presentation state",
    "1.2.840.10008.5.1.4.1.1.481.3, RTSTRUCT, structure set",
    "1.2.840.10008.5.1.4.1.1.481.5, RTPLAN, plan",
    "1.2.840.10008.5.1.4.1.1.66, MR, raw data",
    "1.2.840.10008.5.1.4.1.1.4.2, MR, spectroscopy",
    "1.2.840.10008.1.3.10, '', directory",
    "1.3.46.670589.11.0.0.12.2, MR, an object of a vendor's own"
  })
  void objectsWithoutPixelsAreSkipped(String sopClass, String modality, String what)
      throws IOException {
    Path study = Files.createDirectory(dir.resolve(NAME));
    for (int i = 0; i < 3; i++) {
      good().position(0, 0, i).text(0x00080018, "UI", "1.5." + i).write(study.resolve("f" + i));
    }
    DicomBytes other = report().text(0x00080016, "UI", sopClass).text(0x00080060, "CS", modality);
    if (sopClass.endsWith(".4.2")) {
      other.u16(0x00280010, 1).u16(0x00280011, 1);
    } else if (modality.isEmpty() || sopClass.startsWith("1.3.")) {
      other.u16(0x00280010, 4).u16(0x00280011, 4).u16(0x00280100, 16);
    }
    other.write(study.resolve("other"));
    Volume v = Volumes.read(study);
    assertEquals(3, v.slices().count(), what);
    assertEquals(
        List.of(
            "left out of the DICOM folder: 1 x DICOM object without a picture of the patient"
                + " (skipped)"),
        v.provenance().warnings());
  }

  @Test
  void aSliceCutBeforeItsPixelsIsToldByItsPlace() throws IOException {
    Path study = Files.createDirectory(dir.resolve(NAME));
    for (int i = 0; i < 4; i++) {
      DicomBytes d = good().position(0, 0, i).text(0x00080018, "UI", "1.5." + i);
      (i == 1 ? d.without(0x7FE00010) : d).write(study.resolve(NAME + i));
    }
    VolumeException e = assertThrows(VolumeException.class, () -> Volumes.read(study));
    assertNameless(e);
    Refusals.assertContains(
        "DICOM folder: file 2 of 4 in byte order of their paths: truncated",
        String.valueOf(e.getMessage()));
  }

  /** As when an archive of links outlives its files. */
  @Test
  void linksToNothingAreCounted() throws IOException {
    Path study = Files.createDirectory(dir.resolve(NAME));
    for (int i = 0; i < 3; i++) {
      good().position(0, 0, i).text(0x00080018, "UI", "1.5." + i).write(study.resolve("f" + i));
    }
    Files.createSymbolicLink(study.resolve("f3"), dir.resolve("gone"));
    assertEquals(
        List.of("left out of the DICOM folder: 1 x file or folder that cannot be opened (skipped)"),
        Volumes.read(study).provenance().warnings());
  }

  @Test
  void aSeriesOfLocalizersIsNamedAsOne() throws IOException {
    Path study = Files.createDirectory(dir.resolve(NAME));
    good().text(0x00080018, "UI", "1.5.1").write(study.resolve("a"));
    good()
        .series("1.2.3.5", 1)
        .text(0x00080018, "UI", "1.5.2")
        .text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\LOCALIZER")
        .write(study.resolve("b"));
    for (String wanted : List.of("1", "1.2.3.5")) {
      String message =
          Refusals.message(() -> Volumes.read(study, ReadOptions.DEFAULT.withSeries(wanted)));
      Refusals.assertContains("holds localizer images only in that series", message);
      Refusals.assertContains("3 (CT, 4 x 4, 1 slice)", message);
    }
    Refusals.assertContains(
        "has no such series",
        Refusals.message(() -> Volumes.read(study, ReadOptions.DEFAULT.withSeries("2"))));
  }

  @Test
  void mosaicsAreRefused() {
    Refusals.assertContains(
        "mosaic of all slices",
        refused(
            good()
                .text(0x00080060, "CS", "MR")
                .text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\M\\ND\\MOSAIC")
                .file(DicomBytes.EXPLICIT)));
  }

  @Test
  void compressedWithGzipNamesNobody() {
    byte[] bytes = good().file(DicomBytes.EXPLICIT);
    for (int preamble : new int[] {0, 348}) {
      bytes[0] = (byte) preamble;
      bytes[1] = (byte) (preamble >> 8);
      assertEquals(
          "DICOM file: compressed with gzip; unpack it with gunzip first",
          refused(NiftiBytes.gzip(bytes)));
    }
  }

  @Test
  void aDamagedFileOfAFolderIsToldByItsPlace() throws IOException {
    Path study = Files.createDirectory(dir.resolve(NAME));
    for (int i = 0; i < 4; i++) {
      DicomBytes d = good().position(0, 0, i).text(0x00080018, "UI", "1.5." + i);
      byte[] bytes = d.file(DicomBytes.EXPLICIT);
      NiftiBytes.write(
          study.resolve(NAME + i), i == 2 ? Arrays.copyOf(bytes, bytes.length - 1) : bytes);
    }
    VolumeException e = assertThrows(VolumeException.class, () -> Volumes.read(study));
    assertNameless(e);
    Refusals.assertContains(
        "DICOM folder: file 3 of 4 in byte order of their paths: truncated",
        String.valueOf(e.getMessage()));
  }

  @Test
  void foldersWithoutASeries() throws IOException {
    Path study = Files.createDirectory(dir.resolve(NAME));
    good().text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\LOCALIZER").write(study.resolve("a"));
    Refusals.assertContains("localizer images only", Refusals.message(() -> Volumes.read(study)));
    good().text(0x00080060, "CS", "SR").write(study.resolve("a"));
    Refusals.assertContains("0 slices", Refusals.message(() -> Volumes.read(study)));
  }

  @Test
  void mutatedFiles() throws IOException {
    Random random = new Random(20260311);
    List<byte[]> seeds = new ArrayList<>();
    for (String syntax :
        List.of(
            DicomBytes.EXPLICIT, DicomBytes.IMPLICIT, DicomBytes.BIG_ENDIAN, DicomBytes.DEFLATED)) {
      seeds.add(
          good()
              .sequence(0x00081140, DicomBytes.item().text(0x00081150, "UI", "1.2"))
              .undefinedLengths()
              .file(syntax));
      seeds.add(
          good()
              .text(0x00280008, "IS", "2")
              .shorts(new int[32])
              .sequence(
                  0x52009230,
                  DicomBytes.item().sequence(0x00209113, DicomBytes.item().position(0, 0, 1)),
                  DicomBytes.item().sequence(0x00209113, DicomBytes.item().position(0, 0, 2)))
              .file(syntax));
    }
    seeds.add(
        good()
            .fragments(new byte[0], DicomCompressedTest.rle(new byte[16], new byte[16]))
            .file(DicomBytes.RLE));
    int[] counts = fuzz(seeds, 3000, random, 0, 0);
    assertTrue(counts[0] > 300 && counts[1] > 300, Arrays.toString(counts));
  }

  @Test
  void mutatedCodestreams() throws IOException {
    Random random = new Random(20260312);
    List<byte[]> jpegs =
        List.of(
            DicomCompressedTest.image("lossless-1-unsigned-12.jpg", 12, false)
                .file(DicomCompressedTest.LOSSLESS_1),
            DicomCompressedTest.image("baseline-8.jpg", 8, false)
                .file(DicomCompressedTest.BASELINE));
    int[] counts = fuzz(jpegs, 400, random, 500, 500);
    assertTrue(counts[0] > 30 && counts[1] > 100, Arrays.toString(counts));
    // The main header of JPEG 2000; the packets are the next test's.
    byte[] j2k = jpeg2000();
    int codestream = Resources.bytes("dicom/lossless-signed-16.j2k").length + 8;
    counts = fuzz(List.of(j2k), 300, random, codestream, 75);
    assertTrue(counts[1] > 100, Arrays.toString(counts));
  }

  private static byte[] jpeg2000() throws IOException {
    return DicomCompressedTest.image("lossless-signed-16.j2k", 16, true)
        .file(DicomCompressedTest.J2K);
  }

  @Test
  void aDecoderThatDoesNotEndIsLeft() throws IOException {
    byte[] bytes = jpeg2000();
    int packets = bytes.length - 8 - Resources.bytes("dicom/lossless-signed-16.j2k").length + 151;
    bytes[packets] = (byte) 255;
    Refusals.assertContains("keep the decoder busy", refused(bytes));
  }

  /**
   * How many read and how many were refused; anything else fails.
   *
   * @param tail where the bytes to change begin, counted from the end; 0 for all of them
   * @param span how many may change
   */
  private int[] fuzz(List<byte[]> seeds, int rounds, Random random, int tail, int span)
      throws IOException {
    int[] counts = new int[2];
    Path file = dir.resolve(NAME);
    for (int i = 0; i < rounds; i++) {
      byte[] seed = seeds.get(i % seeds.size());
      int from = tail == 0 ? 0 : Math.max(0, seed.length - tail);
      byte[] bytes = seed.clone();
      for (int e = 0; e < 1 + i % 3; e++) {
        int at =
            from + random.nextInt(span == 0 ? bytes.length : Math.min(span, bytes.length - from));
        bytes[at] = random.nextBoolean() ? (byte) random.nextInt() : (byte) -1;
      }
      Files.write(file, i % 11 == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes);
      try {
        Volumes.read(file);
        counts[0]++;
      } catch (VolumeException e) {
        counts[1]++;
        assertTrue(String.valueOf(e.getMessage()).lines().count() == 1);
      } catch (RuntimeException | Error e) {
        fail("round " + i + " threw " + e, e);
      }
    }
    return counts;
  }

  @Test
  void aNumberOfFramesThatIsNone() {
    DicomBytes four = DicomBytes.slice(2, 1).without(0x00200032).shorts(0, 0, 1, 1, 2, 2, 3, 3);
    assertEquals(4, read(four.text(0x00280008, "IS", "4.0")).slices().count());
    for (String none : List.of("four", "4.5", "4\\4")) {
      Refusals.assertContains(
          "(0028,0008) does not hold",
          refused(four.text(0x00280008, "IS", none).file(DicomBytes.EXPLICIT)));
    }
  }

  private Volume read(DicomBytes d) {
    return Volumes.read(d.write(dir.resolve(NAME)));
  }

  @Test
  void moreFramesThanTheHeaderStates() {
    DicomBytes d = DicomBytes.slice(2, 1).shorts(0, 0, 1, 1, 2, 2, 3, 3);
    Refusals.assertContains(
        "states no number of frames, and there are pixels of more than one",
        refused(d.file(DicomBytes.EXPLICIT)));
    Volume v = read(d.text(0x00280008, "IS", "2").without(0x00200032));
    assertEquals(2, v.slices().count());
    String said = v.provenance().warnings().toString();
    Refusals.assertContains("holds more frames than its header states", said);
    // Less than a frame is somebody's padding.
    d.shorts(0, 0, 1, 1, 2);
    assertFalse(read(d).provenance().warnings().toString().contains("more frames"));
    byte[] odd = {7};
    d = DicomBytes.slice(1, 1).bits(8, 8, 7, false).pixels(odd);
    assertEquals(7, read(d).slices().values(0)[0]);
  }

  @Test
  void moreCompressedFramesThanTheHeaderStates() throws IOException {
    byte[] rle = DicomCompressedTest.rle(new byte[16], new byte[16]);
    DicomBytes d = good().fragments(new byte[0], rle, rle, rle);
    Refusals.assertContains(
        "states no number of frames, and there are pixels of more than one",
        refused(d.file(DicomBytes.RLE)));
    d.text(0x00280008, "IS", "2").without(0x00200032);
    Volume v = Volumes.read(d.write(dir.resolve(NAME), DicomBytes.RLE));
    Refusals.assertContains(
        "holds more frames than its header states", v.provenance().warnings().toString());
    // An empty item is none.
    d.fragments(new byte[0], rle, rle, new byte[0]);
    v = Volumes.read(d.write(dir.resolve(NAME), DicomBytes.RLE));
    assertFalse(v.provenance().warnings().toString().contains("more frames"));
    byte[] jpeg = Resources.bytes("dicom/lossless-1-unsigned-12.jpg");
    d =
        DicomCompressedTest.image("lossless-1-unsigned-12.jpg", 12, false)
            .fragments(new byte[0], jpeg, jpeg);
    Refusals.assertContains(
        "there are pixels of more than one", refused(d.file(DicomCompressedTest.LOSSLESS_1)));
  }

  /** A hundred thousand empty items deflate to a few hundred bytes. */
  @Test
  void deflatedItemsDoNotFillTheHeap() {
    DicomBytes[] empty = new DicomBytes[100_000];
    Arrays.fill(empty, DicomBytes.item());
    DicomBytes[] long1 = new DicomBytes[1000];
    Arrays.fill(long1, DicomBytes.item().text(0x00200032, "DS", "1".repeat(16_000)));
    for (boolean undefined : new boolean[] {false, true}) {
      for (DicomBytes[] items : List.of(empty, long1)) {
        DicomBytes d = good().sequence(0x52009230, items);
        byte[] file = (undefined ? d.undefinedLengths() : d).file(DicomBytes.DEFLATED);
        assertTrue(file.length < 50_000);
        Refusals.assertContains("describes more than a file of its size can hold", refused(file));
      }
      // Where the first is all that counts the others are passed over.
      DicomBytes[] places = empty.clone();
      places[0] = DicomBytes.item().position(0, 0, 7);
      DicomBytes frame = DicomBytes.item().sequence(0x00209113, places);
      frame = undefined ? frame.undefinedLengths() : frame;
      DicomBytes d = good().sequence(0x52009230, frame);
      byte[] file = (undefined ? d.undefinedLengths() : d).file(DicomBytes.DEFLATED);
      Volume v = Volumes.read(NiftiBytes.write(dir.resolve(NAME), file));
      assertEquals(7, v.slices().info(0).positionMm());
    }
  }

  /** The standard gives those that are to come 32 bits of length, some writers 16. */
  @Test
  void anUnknownValueRepresentationIsNamedAsOne() {
    byte[] file = good().text(0x00091001, "LO", "abcd").file(DicomBytes.EXPLICIT);
    for (int i = 0; i < file.length - 6; i++) {
      if (file[i] == 9 && file[i + 3] == 0x10 && file[i + 4] == 'L' && file[i + 5] == 'O') {
        file[i + 5] = 'X';
      }
    }
    Refusals.assertContains("unknown value representation", refused(file));
  }
}
