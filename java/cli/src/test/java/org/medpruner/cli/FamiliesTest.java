package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.fixtures.CompletedCheckpoint;
import org.medpruner.vlm.fixtures.TinyGemma;
import org.medpruner.vlm.fixtures.TinyHulu;
import org.medpruner.vlm.fixtures.TinyQwen;

/** {@code ask} from a file to an answer with each family and preset; random weights. */
class FamiliesTest {
  enum Family {
    GEMMA("Gemma3ForConditionalGeneration", "medgemma"),
    QWEN("Qwen3VLForConditionalGeneration", "qwen3vl"),
    HULU("HulumedQwen2ForCausalLM", "hulu");

    final String architecture;
    final String golden;

    Family(String architecture, String golden) {
      this.architecture = architecture;
      this.golden = golden;
    }

    Path tiny(Path folder) throws IOException {
      return switch (this) {
        case GEMMA -> TinyGemma.write(folder);
        case QWEN -> TinyQwen.write(folder);
        case HULU -> TinyHulu.write(folder);
      };
    }
  }

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Family.class)
  void tinyCheckpointsAnswer(Family family) throws IOException {
    askWithEveryPreset(family, family.tiny(folder.resolve("model")));
  }

  /** The checkpoints that parity is measured on; they come without a tokenizer. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void goldenCheckpointsAnswer(Family family) throws IOException {
    String given = System.getenv("MEDPRUNER_GOLDEN");
    Path all =
        given == null || given.isEmpty()
            ? TestVolumes.root().resolve("../shared/golden").normalize()
            : Path.of(given);
    Path golden = all.resolve(family.golden);
    TestVolumes.skipUnless(
        Files.exists(golden.resolve("model.safetensors")), "no golden checkpoint at " + golden);
    askWithEveryPreset(family, CompletedCheckpoint.write(golden, folder.resolve("model")));
  }

  private void askWithEveryPreset(Family family, Path model) throws IOException {
    int whole = 0;
    for (String preset : List.of("off", "paper", "reference", "nucleus")) {
      Path json = folder.resolve(preset + ".json");
      CliRun.of(
              "ask",
              "--model",
              model.toString(),
              "--volume",
              TestVolumes.phantom(0).toString(),
              "--question",
              "Where?",
              "--preset",
              preset,
              "--layout",
              "reference",
              "--max-new-tokens",
              "4",
              "--max-slices",
              "8",
              "--json",
              json.toString())
          .assertDone();
      assertEquals(List.of(), AuditSchemaTest.validate(Files.readString(json)));
      JsonNode audit = new ObjectMapper().readTree(json.toFile());
      assertEquals(family.architecture, audit.at("/model/family").asText());
      assertEquals(preset, audit.at("/policy/name").asText());
      int tokens = audit.at("/generation/tokens").asInt();
      assertTrue(tokens >= 1 && tokens <= 4, preset + ": " + tokens + " tokens");
      int visual = 0;
      for (JsonNode slice : audit.get("slices")) {
        visual += slice.get("tokens").asInt();
      }
      whole = preset.equals("off") ? visual : whole;
      assertEquals(8 * audit.at("/model/tokensPerSlice").asInt(), whole);
      assertEquals(preset.equals("off"), visual == whole, preset + ": " + visual + " tokens");
      assertEquals(preset.equals("off"), audit.at("/savings/prefillTokens").asInt() == 0, preset);
    }
    assertEquals(4, PruningPolicy.presetNames().size());
  }
}
