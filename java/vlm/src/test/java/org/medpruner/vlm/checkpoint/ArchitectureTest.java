package org.medpruner.vlm.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;

class ArchitectureTest {
  private static final Map<String, List<String>> KNOWN =
      Map.of("BForX", List.of("b", "b2"), "AForX", List.of("a"));

  @TempDir Path folder;

  private String of(String json) throws IOException {
    Files.writeString(folder.resolve("config.json"), json);
    return Architecture.of(folder, KNOWN);
  }

  @Test
  void theArchitectureDecidesAndTheTypeStandsInForIt() throws IOException {
    assertEquals("BForX", of("{\"architectures\":[\"BForX\"],\"model_type\":\"a\"}"));
    assertEquals("BForX", of("{\"model_type\":\"b2\"}"));
    assertEquals("AForX", of("{\"architectures\":[],\"model_type\":\"a\"}"));
  }

  @Test
  void anotherOneIsNamedWithThoseThatRun() {
    for (String json :
        List.of(
            "{\"architectures\":[\"Llama\\nForCausalLM\"],\"model_type\":\"a\"}",
            "{\"model_type\":\"llama\"}",
            "{}")) {
      InputException e = assertThrows(InputException.class, () -> of(json));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains("unknown architecture"), message);
      assertTrue(message.endsWith("this version runs AForX, BForX"), message);
      assertTrue(message.lines().count() == 1, message);
    }
  }
}
