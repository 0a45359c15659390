package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.volume.SliceStack;
import org.medpruner.volume.Volumes;
import org.medpruner.volume.fixtures.DicomBytes;

/** A DICOM series as a zip, as people have it: the answer is that of the same voxels as NIfTI. */
class DicomUploadTest {
  @TempDir Path folder;

  /** The presented slices as a CT series, a file for each, the most superior first. */
  private static List<byte[]> files(SliceStack slices) {
    List<byte[]> files = new ArrayList<>();
    for (int i = 0; i < slices.count(); i++) {
      int[] values =
          Arrays.stream(slices.values(i)).mapToInt(v -> Math.toIntExact(Math.round(v))).toArray();
      files.add(
          DicomBytes.slice(slices.width(), slices.height())
              .position(0, 0, -slices.spacingMm() * i)
              .bits(16, 16, 15, true)
              .shorts(values)
              .file(DicomBytes.EXPLICIT));
    }
    return files;
  }

  @Test
  void aZippedSeriesAnswersAsItsNiftiDoes() throws IOException, InterruptedException {
    Path zip = folder.resolve("study.zip");
    List<byte[]> files = files(Volumes.read(Demo.phantom(5)).slices());
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      for (int i = 0; i < files.size(); i++) {
        // Names in no order: positions give it.
        out.putNextEntry(new ZipEntry("IMG/" + (i * 7 % files.size())));
        out.write(files.get(i));
      }
    }
    try (VisionLanguageModel model = Demo.load();
        TestServer server = new TestServer(model, TestServer.OPTIONS)) {
      String nifti = server.upload(Demo.phantom(5));
      String dicom = server.upload(zip);
      String body = server.chat(server.body(dicom, Demo.QUESTION, "")).body();
      assertEquals(
          server.ask(server.about(nifti, Demo.QUESTION)),
          server.ask(server.about(dicom, Demo.QUESTION)));
      assertFalse(body.contains(DicomBytes.PATIENT), body);
      String id = body.replaceFirst("(?s).*\"id\": ?\"([^\"]+)\".*", "$1");
      String audit = server.get("/v1/audits/" + id).body();
      assertFalse(audit.contains("Mustermann"), audit);
      assertFalse(audit.contains(folder.toString()), audit);
      assertFalse(audit.contains(Demo.folder().toString()), audit);
      assertTrue(
          audit.contains("\"path\" : \"demo\"") || audit.contains("\"path\":\"demo\""), audit);
    }
  }
}
