package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A DICOM series on the command line, and that nobody's name gets out of it. */
class DicomCommandTest {
  /** Must appear nowhere; also part of the folder's and every file's name. */
  private static final String PATIENT = "Mustermann";

  private static final int SIDE = 8;

  @TempDir Path folder;

  private static void element(ByteArrayOutputStream out, int tag, String vr, byte[] value) {
    boolean longForm = vr.equals("OW");
    ByteBuffer head = ByteBuffer.allocate(longForm ? 12 : 8).order(ByteOrder.LITTLE_ENDIAN);
    head.putShort((short) (tag >>> 16)).putShort((short) tag);
    head.put(vr.getBytes(StandardCharsets.US_ASCII));
    if (longForm) {
      head.putShort((short) 0).putInt(value.length);
    } else {
      head.putShort((short) value.length);
    }
    out.writeBytes(head.array());
    out.writeBytes(value);
  }

  private static void text(ByteArrayOutputStream out, int tag, String vr, String text) {
    String even = text.length() % 2 == 0 ? text : text + (vr.equals("UI") ? "\0" : " ");
    element(out, tag, vr, even.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static void u16(ByteArrayOutputStream out, int tag, int value) {
    element(out, tag, "US", new byte[] {(byte) value, (byte) (value >> 8)});
  }

  /** A CT slice of one value at height z. */
  private static byte[] slice(String syntax, int series, int z, int value) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[128]);
    out.writeBytes("DICM".getBytes(StandardCharsets.US_ASCII));
    text(out, 0x00020010, "UI", syntax);
    text(out, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2");
    text(out, 0x00080018, "UI", "1.2.3." + series + "." + z);
    text(out, 0x00080060, "CS", "CT");
    text(out, 0x00100010, "PN", PATIENT + "^Erika");
    text(out, 0x0020000E, "UI", "1.2.3." + series);
    text(out, 0x00200011, "IS", Integer.toString(series));
    text(out, 0x00200032, "DS", "0\\0\\" + z);
    text(out, 0x00200037, "DS", "1\\0\\0\\0\\1\\0");
    u16(out, 0x00280002, 1);
    text(out, 0x00280004, "CS", "MONOCHROME2");
    u16(out, 0x00280010, SIDE);
    u16(out, 0x00280011, SIDE);
    text(out, 0x00280030, "DS", "1\\1");
    u16(out, 0x00280100, 16);
    u16(out, 0x00280101, 16);
    u16(out, 0x00280102, 15);
    u16(out, 0x00280103, 1);
    ByteBuffer pixels = ByteBuffer.allocate(2 * SIDE * SIDE).order(ByteOrder.LITTLE_ENDIAN);
    while (pixels.hasRemaining()) {
      pixels.putShort((short) value);
    }
    element(out, 0x7FE00010, "OW", pixels.array());
    return out.toByteArray();
  }

  private Path study(int... slicesOfSeries) throws IOException {
    Path study = Files.createDirectories(folder.resolve(PATIENT + "_1964"));
    for (int s = 0; s < slicesOfSeries.length; s++) {
      for (int z = 0; z < slicesOfSeries[s]; z++) {
        // Two halves, far apart in every window.
        byte[] bytes =
            slice("1.2.840.10008.1.2.1", s + 1, z, 2 * z < slicesOfSeries[s] ? -1000 : 60);
        Files.write(study.resolve(PATIENT + "_" + s + "_" + (97 * z % 1000)), bytes);
      }
    }
    return study;
  }

  private void assertNameless(CliRun run, List<Path> written) throws IOException {
    List<String> texts = new ArrayList<>(List.of(run.out(), run.err()));
    for (Path p : written) {
      texts.add(Files.readString(p));
    }
    for (String t : texts) {
      assertFalse(t.contains(PATIENT), t);
    }
  }

  @Test
  void aSeriesIsPrunedAndNobodyNamed() throws IOException {
    Path json = folder.resolve("audit.json");
    Path report = folder.resolve("report");
    CliRun run =
        CliRun.of(
            "prune",
            "--volume",
            study(3, 6).toString(),
            "--json",
            json.toString(),
            "--report",
            report.toString());
    run.assertDone();
    assertTrue(run.out().startsWith("0,3"), run.out());
    assertNameless(run, List.of(json, report.resolve("report.html")));
    String audit = Files.readString(json);
    assertTrue(audit.contains("\"path\" : \"dicom-"), audit);
    assertTrue(audit.contains("series 2 (CT, 8 x 8, 6 slices)"), audit);
    assertTrue(Files.readString(report.resolve("report.html")).contains("CT, the header says"));
  }

  @Test
  void aSeriesIsChosenOrAskedFor() throws IOException {
    String study = study(4, 4).toString();
    CliRun unclear = CliRun.of("prune", "--volume", study);
    unclear.assertBadInput("1 (CT, 8 x 8, 4 slices)", "2 (CT, 8 x 8, 4 slices)", "choose one");
    assertNameless(unclear, List.of());
    CliRun.of("prune", "--volume", study, "--series", "2").assertDone();
    CliRun.of("prune", "--volume", study, "--series", "1.2.3.1").assertDone();
    CliRun wrong = CliRun.of("prune", "--volume", study, "--series", "7");
    wrong.assertBadInput("no such series");
    assertNameless(wrong, List.of());
  }

  @Test
  void unsupportedAndDamagedFilesAreOneLine() throws IOException {
    Path study = study(2);
    Path jpegLs = study.resolve(PATIENT + "_ls");
    Files.write(jpegLs, slice("1.2.840.10008.1.2.4.80", 5, 0, 1));
    CliRun run = CliRun.of("prune", "--volume", jpegLs.toString());
    run.assertBadInput("JPEG-LS Lossless (1.2.840.10008.1.2.4.80)", "dcmdjpls");
    assertNameless(run, List.of());
    byte[] good = slice("1.2.840.10008.1.2.1", 1, 5, 1);
    Files.write(study.resolve(PATIENT + "_cut"), java.util.Arrays.copyOf(good, good.length - 9));
    run = CliRun.of("prune", "--volume", study.toString(), "--stacktrace", "--series", "1");
    assertTrue(run.err().contains("truncated"), run.err());
    assertNameless(run, List.of());
  }

  @Test
  void seriesIsForDicomOnly() throws IOException {
    Path nifti = Files.write(folder.resolve("v.nii"), TestVolumes.greyPlanes(4, 1, 2));
    CliRun.of("prune", "--volume", nifti.toString(), "--series", "1").assertBadInput("not DICOM");
  }
}
