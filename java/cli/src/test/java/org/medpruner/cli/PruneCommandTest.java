package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.vlm.fixtures.TinyQwen;

class PruneCommandTest {
  @TempDir Path folder;

  private JsonNode audit(String... args) throws IOException {
    Path json = folder.resolve("audit.json");
    String[] all = Arrays.copyOf(args, args.length + 3);
    System.arraycopy(args, 0, all, 1, args.length);
    all[0] = "prune";
    all[args.length + 1] = "--json";
    all[args.length + 2] = json.toString();
    CliRun run = CliRun.of(all).assertDone();
    JsonNode audit = new ObjectMapper().readTree(json.toFile());
    List<String> kept =
        audit
            .get("slices")
            .valueStream()
            .filter(s -> s.get("kept").asBoolean())
            .map(s -> s.get("index").asText())
            .toList();
    assertEquals(String.join(",", kept), run.out().strip());
    return audit;
  }

  private static int[] representatives(JsonNode audit) {
    return audit
        .get("slices")
        .valueStream()
        .mapToInt(s -> s.get("representative").asInt())
        .toArray();
  }

  private String volume(int... levels) throws IOException {
    return Files.write(folder.resolve("v.nii"), TestVolumes.greyPlanes(6, levels)).toString();
  }

  /** Min-max keeps 0 and 255 as they are; 6 levels are 0.047 of [-1, 1], 7 are 0.055. */
  @Test
  void greyLevelsAreComparedInUnitsOfGamma() throws IOException {
    JsonNode audit = audit("--volume", volume(0, 6, 7, 13, 14, 255), "--modality", "mri");
    assertArrayEquals(new int[] {0, 0, 2, 2, 4, 5}, representatives(audit));
    double[] expected = {0, 6, 7, 6, 7, 241};
    for (int i = 0; i < expected.length; i++) {
      JsonNode slice = audit.get("slices").get(i);
      assertEquals((float) (expected[i] / 127.5), (float) slice.get("distance").asDouble());
      assertEquals(5 - i, slice.get("sourceIndex").asInt());
      assertEquals(5.0 - i, slice.get("positionMm").asDouble());
    }
    assertEquals(4 / 6.0, audit.get("rates").get("slice").asDouble());
    assertEquals(2, audit.get("savings").get("encoderSlices").asInt());
    assertTrue(audit.get("model").isNull());
    assertTrue(audit.get("answer").isNull());
  }

  /** The file's order, and at most 180; planes of one value each are all black, hence alike. */
  @Test
  void huluTakesSlicesAsStored() throws IOException {
    int[] levels = new int[200];
    Arrays.setAll(levels, i -> i);
    JsonNode audit = audit("--volume", volume(levels), "--window", "hulu");
    assertArrayEquals(new int[180], representatives(audit));
    assertEquals(0, audit.get("slices").get(0).get("sourceIndex").asInt());
    assertEquals(199, audit.get("slices").get(179).get("sourceIndex").asInt());
    assertEquals(
        3,
        audit("--volume", volume(levels), "--window", "HULU", "--max-slices", "3")
            .get("slices")
            .size());
  }

  /** Where gamma keeps none, a patch of a plane of one level is that level. */
  @Test
  void patchesAreComparedInUnitsOfGamma() throws IOException {
    String v = volume(0, 6, 7, 13, 14, 255);
    assertArrayEquals(
        new int[] {0, 0, 0, 0, 0, 0},
        representatives(audit("--volume", v, "--modality", "mri", "--gamma", "2")));
    JsonNode guarded =
        audit("--volume", v, "--modality", "mri", "--gamma", "2", "--patch-gamma", "0.05");
    assertArrayEquals(new int[] {0, 0, 2, 2, 4, 5}, representatives(guarded));
    // Above 2, as a model whose pixels are not normalised to [-1, 1] may need it.
    JsonNode wide = audit("--volume", v, "--gamma", "3", "--patch-gamma", "3.5");
    assertArrayEquals(new int[] {0, 0, 0, 0, 0, 0}, representatives(wide));
    assertEquals(3.5, wide.get("policy").get("patchGamma").asDouble());
  }

  @Test
  void everyOverrideReachesThePolicy() throws IOException {
    String v = volume(0, 1, 2, 255);
    JsonNode all = audit("--volume", v, "--no-slice-anchoring");
    assertArrayEquals(new int[] {0, 1, 2, 3}, representatives(all));
    JsonNode gap = audit("--volume", v, "--max-gap", "2");
    assertArrayEquals(new int[] {0, 0, 2, 3}, representatives(gap));
    JsonNode mm = audit("--volume", v, "--max-gap-mm", "2.5", "--gamma", "2");
    assertArrayEquals(new int[] {0, 0, 2, 2}, representatives(mm));
    // Planes 2, 3, 4 and 6 mm from the first: 1.33 on average, but 3 from the second to the last.
    String seven = volume(0, 0, 0, 0, 0, 0, 0);
    JsonNode sampled = audit("--volume", seven, "--max-slices", "4", "--max-gap-mm", "2.7");
    assertArrayEquals(new int[] {0, 1, 2, 3}, representatives(sampled));
    sampled = audit("--volume", seven, "--max-slices", "4", "--max-gap-mm", "3");
    assertArrayEquals(new int[] {0, 0, 2, 2}, representatives(sampled));
    JsonNode policy =
        audit(
                "--volume",
                v,
                "--preset",
                "reference",
                "--gamma",
                "0.5",
                "--tau",
                "0.75",
                "--contextual-ratio",
                "0.25",
                "--no-token-pruning",
                "--encoder-scope",
                "kept-slices",
                "--score",
                "MASS",
                "--temperature",
                "1.5",
                "--pooling",
                "projector",
                "--dropped-slice",
                "nothing",
                "--image-mask",
                "model",
                "--deep-stack",
                "indexed",
                "--resizing",
                "model",
                "--positions",
                "original",
                "--max-gap",
                "3",
                "--max-gap-mm",
                "4.5",
                "--patch-gamma",
                "0.125",
                "--min-tokens",
                "1",
                "--max-tokens",
                "9",
                "--volume-min-tokens",
                "2",
                "--volume-max-tokens",
                "99")
            .get("policy");
    String expected =
        "{'name':'reference+','sliceAnchoring':true,'tokenPruning':false,'gamma':0.5,'tau':0.75,"
            + "'contextualRatio':0.25,'encoderScope':'kept-slices','score':'mass',"
            + "'temperature':1.5,'pooling':'projector','droppedSlice':'nothing',"
            + "'imageMask':'model','positions':'original','deepStack':'indexed','resizing':'model','maxGapSlices':3,'maxGapMm':4.5,"
            + "'patchGamma':0.125,"
            + "'minTokens':1,'maxTokens':9,'volumeMinTokens':2,'volumeMaxTokens':99}";
    assertEquals(expected.replace('\'', '"'), policy.toString());
  }

  @Test
  void orderAxisAndSamplingAreTheUsers() throws IOException {
    String v = volume(10, 20, 250);
    JsonNode reversed = audit("--volume", v, "--reverse");
    assertEquals(0, reversed.get("slices").get(0).get("sourceIndex").asInt());
    assertEquals(6, audit("--volume", v, "--axis", "coronal").get("slices").size());
    assertEquals(2, audit("--volume", v, "--max-slices", "2").get("slices").size());
  }

  /** Tokens are pruned as well, and nothing is asked: what only a question needs may be missing. */
  @Test
  void aModelWithoutATokenizerPrunes() throws IOException {
    Path model = TinyQwen.write(folder.resolve("model"));
    Files.delete(model.resolve("tokenizer.json"));
    String[] args = {
      "--model",
      model.toString(),
      "--volume",
      TestVolumes.phantom(0).toString(),
      "--max-slices",
      "6"
    };
    JsonNode audit = audit(args);
    assertEquals(model.toString(), audit.get("model").get("path").asText());
    assertTrue(audit.get("timings").has("load") && audit.get("timings").has("prune"));
    for (JsonNode s : audit.get("slices")) {
      assertEquals(s.get("kept").asBoolean(), s.has("nucleusTokens"));
      assertEquals(s.get("kept").asBoolean(), !s.get("massKept").isNull());
      assertEquals(s.get("tokens").asInt(), s.get("nucleus").asInt() + s.get("targets").asInt());
    }
    assertTrue(audit.get("rates").get("overall").asDouble() < 1);
  }

  @Test
  void filesAppearWholeAndNoOthers() throws IOException {
    Path out = folder.resolve("deep/out");
    CliRun.of(
            "prune",
            "--volume",
            volume(0, 255),
            "--json",
            out.resolve("a.json").toString(),
            "--report",
            out.toString())
        .assertDone();
    assertEquals(List.of("a.json", "report.html"), CliRun.filesUnder(out));
    String page = Files.readString(out.resolve("report.html"));
    assertTrue(page.strip().endsWith("</html>"));
  }

  /** 181 real slices: all present, the first kept, each dropped one near its anchor. */
  @Test
  void realHeadMri() throws IOException {
    JsonNode audit = audit("--volume", TestVolumes.headMri().toString(), "--modality", "mri");
    assertEquals(
        "a009051127f64dc3dd554d5f5b589870ea72106d9642c21b4e7093e478cfc309",
        audit.get("input").get("sha256").asText());
    assertEquals("[181,217,181]", audit.get("input").get("shape").toString());
    assertEquals(181, audit.get("slices").size());
    for (JsonNode s : audit.get("slices")) {
      int i = s.get("index").asInt();
      boolean kept = s.get("kept").asBoolean();
      assertEquals(kept, s.get("representative").asInt() == i);
      assertTrue(i == 0 || kept == s.get("distance").asDouble() > (float) 0.05);
    }
    assertFalse(audit.get("flags").isMissingNode());
  }
}
