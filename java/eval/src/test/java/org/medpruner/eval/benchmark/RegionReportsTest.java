package org.medpruner.eval.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.TestData.refusal;
import static org.medpruner.eval.TestData.text;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.TestData;

/** AMOS-MM as its authors publish it: reports by region of the body, NIfTI. */
class RegionReportsTest {
  private static final String FILE = "report_generation_train_val.json";

  @TempDir Path data;

  private static String entry(String image, String chest, String abdomen, String pelvis) {
    return "{\"image\": \""
        + image
        + "\", \"labels\": {\"report\": {\"findings\": {\"abdomen\": \""
        + abdomen
        + "\", \"chest\": \""
        + chest
        + "\", \"pelvis\": \""
        + pelvis
        + "\"}}}}";
  }

  private static void nifti(Path file, int... levels) throws IOException {
    Path plain = file.resolveSibling(file.getFileName() + ".plain");
    TestData.nifti(plain, 2, levels);
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      Files.copy(plain, out);
    }
    Files.delete(plain);
  }

  @Test
  void validationReportsAreReadWithTheirVolumes() throws IOException {
    Path file =
        text(
            data.resolve("Amos/" + FILE),
            "{\"licence\": \"any\", \"training\": ["
                + entry("imagesTr/amos_5000.nii.gz", "In training.", "", "")
                + "], \"validation\": ["
                + entry("./imagesVa/amos_5001.nii.gz", " Clear lungs.", "A cyst.\\n", "")
                + ","
                + entry("imagesVa/amos_7008.nii.gz", "", "", "Free fluid.")
                + "]}");
    nifti(data.resolve("Amos/imagesVa/amos_5001.nii.gz"), -1000, 40, 300);
    // The second archive was unpacked elsewhere below the folder.
    nifti(data.resolve("more/imagesVa/amos_7008.nii.gz"), -1000, 40);
    Benchmark.Loaded loaded = Benchmark.AMOS.load(data);
    assertEquals(List.of(file), loaded.annotations());
    assertEquals(
        List.of(
            new Sample(
                "amos-000000",
                "Amos/imagesVa/amos_5001.nii.gz",
                "amos",
                Kind.REPORT,
                JsonSamples.AMOS_PROMPT,
                "Clear lungs. A cyst.",
                Map.of()),
            new Sample(
                "amos-000001",
                "more/imagesVa/amos_7008.nii.gz",
                "amos",
                Kind.REPORT,
                JsonSamples.AMOS_PROMPT,
                "Free fluid.",
                Map.of())),
        loaded.samples());
    assertEquals(3, SampleVolume.read(data, loaded.samples().get(0), 85).images().count());
    assertEquals(2, SampleVolume.read(data, loaded.samples().get(1), 85).images().count());
    // The folder itself may be named, too.
    assertEquals(
        "imagesVa/amos_5001.nii.gz",
        Benchmark.AMOS.load(data.resolve("Amos")).samples().getFirst().volume());
  }

  @Test
  void theReferencesFileGoesFirst() {
    text(data.resolve(FILE), "{\"validation\": []}");
    text(
        data.resolve("Amos/amos_val_mrg_sft.json"),
        "[{\"video\": [\"v\"], \"conversations\": [{\"value\": \"q\"}, {\"value\": \"a\"}]}]");
    assertEquals("a", Benchmark.AMOS.load(data).samples().getFirst().gold());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nonsense|not valid JSON",
        "[]|has no list \"validation\"",
        "{\"training\": []}|has no list \"validation\"",
        "{\"validation\": []}|holds no sample",
        "{\"validation\": [{}]}|entry 0 (from 0) of validation: image: is missing or empty",
        "{\"validation\": [{\"image\": \"a.nii.gz\", \"labels\": {\"report\": {\"findings\":"
            + " {\"chest\": \" \", \"liver\": \"x\"}}}}]}"
            + "|labels.report.findings: has no text for chest, abdomen or pelvis",
      })
  void damagedFilesAreSaid(String json, String problem) {
    text(data.resolve(FILE), json);
    String message = refusal(() -> Benchmark.AMOS.load(data));
    assertTrue(message.contains(FILE + ": ") && message.contains(problem), message);
  }
}
