package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.volume.fixtures.DicomBytes;

/** A DICOM series on the command line, and that nobody's name gets out of it. */
class DicomCommandTest {
  /** Must appear nowhere; also part of the folder's and every file's name. */
  private static final String PATIENT = "Mustermann";

  private static final int SIDE = 8;

  @TempDir Path folder;

  /** A CT slice of one value at height z. */
  private static byte[] slice(String syntax, int series, int z, int value) {
    return DicomBytes.flat(SIDE, value)
        .text(0x00080018, "UI", "1.2.3." + series + "." + z)
        .series("1.2.3." + series, series)
        .position(0, 0, z)
        .file(syntax);
  }

  private Path study(int... slicesOfSeries) throws IOException {
    Path study = Files.createDirectories(folder.resolve(PATIENT + "_1964"));
    for (int s = 0; s < slicesOfSeries.length; s++) {
      for (int z = 0; z < slicesOfSeries[s]; z++) {
        // Two halves, far apart in every window.
        byte[] bytes = slice(DicomBytes.EXPLICIT, s + 1, z, 2 * z < slicesOfSeries[s] ? -1000 : 60);
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
    byte[] good = slice(DicomBytes.EXPLICIT, 1, 5, 1);
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
