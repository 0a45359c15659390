package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.volume.Modality;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volume;
import org.medpruner.volume.Volumes;

/** The demo model, from NIfTI files to answers: the same greedy ids as plain transformers. */
class DemoModelTest {
  private static Path checkpoint = Path.of("");
  private static Path phantoms = Path.of("");
  private static Path expected = Path.of("");

  @BeforeAll
  static void find() {
    String root = System.getenv("MEDPRUNER_ROOT");
    Path base = Path.of(root == null ? "../.." : root);
    Path shipped = base.resolve("models/demo");
    Path shared = base.resolve("../shared/demo-model").normalize();
    boolean inside = Files.exists(shipped.resolve("model.safetensors"));
    checkpoint = inside ? shipped : shared.resolve("checkpoint");
    phantoms = (inside ? shipped : shared).resolve("phantoms");
    expected = (inside ? shipped : shared).resolve("expected.json");
    boolean there = Files.exists(checkpoint.resolve("model.safetensors")) && Files.exists(expected);
    String reason = "no demo model in " + shipped + " or " + shared;
    if (!there) {
      System.out.println("SKIPPED: " + reason);
    }
    Assumptions.assumeTrue(there, reason);
  }

  private static SliceImages images(String file) {
    Volume volume = Volumes.read(phantoms.resolve(file));
    return volume.slices().images(Recipe.forModality(Modality.CT, volume));
  }

  @Test
  void everyQuestionGetsTransformersAnswer() throws IOException {
    Map<String, List<JsonNode>> byFile = new LinkedHashMap<>();
    for (JsonNode q : new ObjectMapper().readTree(Files.readAllBytes(expected))) {
      byFile.computeIfAbsent(q.get("file").textValue(), f -> new ArrayList<>()).add(q);
    }
    int asked = 0;
    try (VisionLanguageModel model =
        VisionLanguageModel.load(checkpoint, LoadOptions.DEFAULT, Progress.NONE)) {
      for (Map.Entry<String, List<JsonNode>> e : byFile.entrySet()) {
        try (EncodedVolume volume =
            model.encode(images(e.getKey()), PruningPolicy.OFF, Progress.NONE)) {
          for (JsonNode q : e.getValue()) {
            String question = q.get("question").textValue();
            Answer a = model.ask(volume, question, GenerationOptions.DEFAULT, Progress.NONE);
            String at = e.getKey() + ": " + question;
            assertEquals(ids(q.get("generated")), a.tokenIds(), at);
            assertEquals(q.get("text").textValue(), a.text(), at);
            assertEquals(q.get("prompt_tokens").intValue(), a.promptTokens(), at);
            assertEquals(a.unprunedPromptTokens(), a.promptTokens(), at);
            assertTrue(a.stopped(), at);
            assertEquals(new PruningReport.Savings(0, 0, 0), a.report().savings(), at);
            asked++;
          }
        }
      }
    }
    System.out.println("demo model: " + asked + " questions answered as transformers does");
    assertTrue(asked > 0);
  }

  private static List<Integer> ids(JsonNode list) {
    List<Integer> ids = new ArrayList<>();
    list.forEach(n -> ids.add(n.intValue()));
    return ids;
  }

  /** The eight phantoms are of one size, so that batches of the encoder span volumes. */
  @Test
  void allPhantomsTogetherAnswerAsEachAlone() {
    String question = "Which organ contains the lesion?";
    List<SliceImages> all =
        IntStream.range(0, 8).mapToObj(i -> images("phantom_0" + i + ".nii.gz")).toList();
    try (VisionLanguageModel model =
        VisionLanguageModel.load(checkpoint, LoadOptions.DEFAULT, Progress.NONE)) {
      for (String preset : List.of("paper", "reference")) {
        PruningPolicy policy = PruningPolicy.preset(preset);
        List<EncodedVolume> volumes = model.encodeAll(all, policy, Progress.NONE);
        List<Request> requests =
            volumes.stream().map(v -> new Request(v, question, GenerationOptions.DEFAULT)).toList();
        List<Reply> replies = model.askAll(requests, Progress.NONE);
        for (int i = 0; i < all.size(); i++) {
          String at = preset + ", phantom " + i;
          Answer together = replies.get(i).orThrow();
          try (EncodedVolume alone = model.encode(all.get(i), policy, Progress.NONE)) {
            Answer answer = model.ask(alone, question, GenerationOptions.DEFAULT, Progress.NONE);
            assertEquals(answer.tokenIds(), together.tokenIds(), at);
            assertEquals(answer.text(), together.text(), at);
            assertEquals(answer.promptTokens(), together.promptTokens(), at);
            assertEquals(alone.report().rates(), volumes.get(i).report().rates(), at);
            assertEquals(
                alone.report().slices().stream().map(SliceReport::distance).toList(),
                volumes.get(i).report().slices().stream().map(SliceReport::distance).toList(),
                at);
          }
        }
        volumes.forEach(EncodedVolume::close);
      }
    }
  }

  @Test
  void thePaperPresetSavesWhatItReports() {
    List<String> stages = new ArrayList<>();
    Progress progress =
        (stage, done, total) -> {
          if (stages.isEmpty() || !stages.getLast().equals(stage)) {
            stages.add(stage);
          }
          assertTrue(total < 0 || done <= total, stage);
        };
    try (VisionLanguageModel model =
        VisionLanguageModel.load(checkpoint, LoadOptions.DEFAULT, progress)) {
      SliceImages images = images("phantom_00.nii.gz");
      try (EncodedVolume volume = model.encode(images, PruningPolicy.PAPER, progress)) {
        PruningReport r = volume.report();
        long kept = r.slices().stream().filter(SliceReport::kept).count();
        assertTrue(kept > 0 && kept < images.count(), kept + " slices kept");
        assertEquals(images.count() - kept, r.savings().encoderSlices());
        assertEquals((double) kept / images.count(), r.rates().slice(), 1e-12);
        assertEquals(2, r.policy().temperature());
        assertEquals("paper", r.policy().name());
        long tokens = r.slices().stream().mapToLong(SliceReport::tokens).sum();
        for (SliceReport s : r.slices()) {
          assertEquals(s.kept() ? s.nucleus() + s.targets() : 0, s.tokens());
          assertEquals(s.kept(), s.representative() == s.index());
          assertEquals(s.kept(), s.detail() != null);
        }
        Answer a =
            model.ask(volume, "How many lesions are there?", GenerationOptions.DEFAULT, progress);
        assertTrue(!a.text().isEmpty());
        assertEquals(
            a.unprunedPromptTokens() - a.promptTokens(), a.report().savings().prefillTokens());
        assertTrue(a.report().savings().kvBytes() > 0);
        assertTrue(a.promptTokens() > tokens);
        assertEquals(
            List.of("anchor", "encode", "prune", "prefill", "decode"),
            List.copyOf(a.report().timings().keySet()));
      }
    }
    assertEquals(List.of("load", "anchor", "encode", "prune", "prefill", "decode"), stages);
  }
}
