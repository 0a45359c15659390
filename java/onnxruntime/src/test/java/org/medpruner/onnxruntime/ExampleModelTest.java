package org.medpruner.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.medpruner.SliceAnchor;

/** The model that examples/onnxruntime ships is the one built here. */
class ExampleModelTest {
  private static OnnxGraph graph() {
    return new OnnxGraph()
        .input("slices", OnnxGraph.UINT8, "D", "H", "W")
        .output("kept_indices", OnnxGraph.INT64)
        .output("kept_slices", OnnxGraph.UINT8)
        .node(
            "SliceAnchor",
            List.of("slices"),
            List.of("kept_indices"),
            Map.of("scale", SliceAnchor.U8_SCALE, "gamma", 0.05f))
        .onnxNode("Gather", List.of("slices", "kept_indices"), List.of("kept_slices"), Map.of());
  }

  @Test
  void theShippedModelIsThisOne() throws IOException {
    Path root = Path.of(Objects.requireNonNull(System.getenv("MEDPRUNER_ROOT"), "MEDPRUNER_ROOT"));
    Path shipped = root.resolve("examples/onnxruntime/src/main/resources/keep_slices.onnx");
    Path built = Path.of("target", "keep_slices.onnx");
    Files.write(built, graph().toByteArray());
    assertTrue(Files.exists(shipped), () -> "no " + shipped + "; copy " + built + " there");
    assertArrayEquals(
        Files.readAllBytes(built),
        Files.readAllBytes(shipped),
        () -> shipped + " is another model; copy " + built + " there");
  }
}
