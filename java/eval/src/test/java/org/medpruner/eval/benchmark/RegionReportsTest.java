package org.medpruner.eval.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.TestData.refusal;
import static org.medpruner.eval.TestData.text;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
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

  /** A text for each region; {@code impression} is the field's JSON. */
  private static String entry(
      String image, String chest, String abdomen, String pelvis, String impression) {
    return "{\"image\": \""
        + image
        + "\", \"labels\": {\"report\": {\"findings\": {\"abdomen\": \""
        + abdomen
        + "\", \"chest\": \""
        + chest
        + "\", \"pelvis\": \""
        + pelvis
        + "\"}, \"impression\": "
        + impression
        + "}}, \"meta\": {\"spacing\": [0.8, 0.8, 5.0]}}";
  }

  private List<String> gold(String... reports) {
    String entries =
        Arrays.stream(reports)
            .map(r -> "{\"image\": \"a.nii.gz\", \"labels\": {\"report\": " + r + "}}")
            .collect(Collectors.joining(","));
    text(data.resolve(FILE), "{\"validation\": [" + entries + "]}");
    return Benchmark.AMOS.load(data).samples().stream().map(s -> s.gold() + s.problem()).toList();
  }

  @Test
  void validationReportsAreReadWithTheirVolumes() {
    Path file =
        text(
            data.resolve("Amos/" + FILE),
            "{\"licence\": \"any\", \"training\": ["
                + entry("imagesTr/amos_5000.nii.gz", "In training.", "", "", "{}")
                + "], \"validation\": ["
                + entry(
                    "./imagesVa/amos_5001.nii.gz",
                    " Clear lungs.",
                    "A cyst.\\n",
                    "",
                    "{\"abdomen\": [\"Hepatic cyst.\", \" Else normal.\"], \"chest\": [\"\"],"
                        + " \"pelvis\": []}")
                + ","
                + entry("imagesVa/amos_7008.nii.gz", "", "", "Free fluid.", "null")
                + "]}");
    TestData.niftiGz(data.resolve("Amos/imagesVa/amos_5001.nii.gz"), 2, -1000, 40, 300);
    // The second archive was unpacked elsewhere below the folder.
    TestData.niftiGz(data.resolve("more/imagesVa/amos_7008.nii.gz"), 2, -1000, 40);
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
                "Findings: Clear lungs. A cyst. Impression: Hepatic cyst. Else normal.",
                Map.of()),
            new Sample(
                "amos-000001",
                "more/imagesVa/amos_7008.nii.gz",
                "amos",
                Kind.REPORT,
                JsonSamples.AMOS_PROMPT,
                "Findings: Free fluid.",
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
  void aRegionIsATextOrAListOfTexts() {
    assertEquals(
        List.of(
            "Findings: One. Two. Three.",
            "Findings: One. Impression: Two.",
            "Impression: Two.",
            "",
            FILE
                + ": entry 4 (from 0) of validation: labels.report.findings.chest: is neither text"
                + " nor list of texts"),
        gold(
            "{\"findings\": {\"pelvis\": \"Three.\", \"chest\": [\"One.\", \"Two.\"]}}",
            "{\"findings\": {\"chest\": \"One.\"}, \"impression\": {\"chest\": \"Two.\"}}",
            "{\"findings\": {}, \"impression\": {\"chest\": [\"Two.\"]}}",
            // One sample without an answer, not a bad file.
            "{\"findings\": {\"chest\": \" \", \"pelvis\": null, \"liver\": \"x\"}}",
            "{\"findings\": {\"chest\": {\"text\": \"x\"}}}"));
  }

  @Test
  void aBadEntryIsOneBadSample() {
    text(
        data.resolve("Amos/" + FILE),
        "{\"validation\": [{}," + entry("a.nii.gz", "Clear lungs.", "", "", "{}") + "]}");
    List<Sample> samples = Benchmark.AMOS.load(data).samples();
    assertEquals(
        new Sample(
            "amos-000000",
            "amos-000000",
            "amos",
            Kind.REPORT,
            "",
            "",
            Map.of(),
            "Amos/" + FILE + ": entry 0 (from 0) of validation: image: is missing or empty"),
        samples.get(0));
    assertEquals(
        List.of("amos-000001", "a.nii.gz", "Findings: Clear lungs."),
        List.of(samples.get(1).id(), samples.get(1).volume(), samples.get(1).gold()));
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
        "{\"validation\": [{\"image\": \"a.nii.gz\", \"labels\": {\"report\": \"Clear lungs.\"}}]}"
            + "|labels.report.findings: is missing, or not by region",
      })
  void damagedFilesAreSaid(String json, String problem) {
    text(data.resolve(FILE), json);
    String message = refusal(() -> Benchmark.AMOS.load(data));
    assertTrue(message.contains(FILE + ": ") && message.contains(problem), message);
  }
}
