package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ModelInfoTest {
  private static String name(String path) {
    return new ModelInfo(path, "Family", 1, "F32", "F32", "cpu", 0, 0, 8).name();
  }

  @Test
  void aModelIsCalledAsItsFolder() {
    assertEquals("medgemma", name("/models/medgemma"));
    assertEquals("medgemma", name("models/medgemma/../medgemma/"));
    assertEquals(String.valueOf(Path.of("").toAbsolutePath().getFileName()), name("."));
    assertEquals("Family", name("/"));
  }
}
