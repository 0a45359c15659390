package org.medpruner.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.medpruner.SliceAnchor;
import org.medpruner.oracle.SliceAnchorOracle;

/** Registration, lifetimes, threads, and shapes known before a run. */
class MedPrunerOpsTest {
  private static final int SIZE = 5000;
  private static final int DEPTH = 12;

  private static OnnxGraph anchor() {
    return new OnnxGraph()
        .input("slices", OnnxGraph.FLOAT, "D", SIZE)
        .output("kept", OnnxGraph.INT64)
        .node("SliceAnchor", List.of("slices"), List.of("kept"), Map.of("gamma", 0.05f));
  }

  private static long[] expected(float[] slices) {
    long[] all = {0, slices.length / SIZE};
    var r = SliceAnchorOracle.run(SliceAnchor.Params.of(0.05), slices, SIZE, all);
    return Data.packed(Data.widened(r.keptIndices()), Data.widened(r.keptCounts()), all);
  }

  @Test
  void oneSessionFromManyThreads() throws Exception {
    try (var model = new Model(anchor());
        var threads = Executors.newFixedThreadPool(6)) {
      List<Future<?>> runs = new ArrayList<>();
      for (int t = 0; t < 6; t++) {
        int seed = t;
        runs.add(
            threads.submit(
                () -> {
                  float[] slices = Data.slices(new Random(seed), DEPTH + seed, SIZE);
                  long[] expected = expected(slices);
                  for (int i = 0; i < 20; i++) {
                    try (var actual =
                        model.run(Map.of("slices", Model.tensor(slices, DEPTH + seed, SIZE)))) {
                      assertArrayEquals(expected, actual.longs("kept"));
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> run : runs) {
        try {
          run.get();
        } catch (ExecutionException e) {
          throw new AssertionError(e.getCause());
        }
      }
    }
  }

  @Test
  void sessionsComeAndGo() throws OrtException {
    float[] slices = Data.slices(new Random(9), DEPTH, SIZE);
    Model first = new Model(anchor());
    try (var second = new Model(anchor())) {
      first.close();
      try (var actual = second.run(Map.of("slices", Model.tensor(slices, DEPTH, SIZE)))) {
        assertArrayEquals(expected(slices), actual.longs("kept"));
      }
    }
    assertThrows(
        IllegalStateException.class,
        () -> first.run(Map.of("slices", Model.tensor(slices, DEPTH, SIZE))));
  }

  @Test
  void theLibraryIsAFileInTheCache() throws OrtException {
    assertTrue(Files.isRegularFile(MedPrunerOps.library()));
    assertEquals(MedPrunerOps.library(), MedPrunerOps.library());
  }

  private static long[] outputShape(Model model, String name) throws OrtException {
    NodeInfo info = Objects.requireNonNull(model.session().getOutputInfo().get(name), name);
    return ((TensorInfo) info.getInfo()).getShape();
  }

  @Test
  void shapesAreKnownAsFarAsTheyDoNotDependOnData() throws OrtException {
    OnnxGraph graph =
        new OnnxGraph()
            .input("query", OnnxGraph.FLOAT16, 64, 2, 8)
            .input("offsets", OnnxGraph.INT64, 3)
            .input("features", OnnxGraph.FLOAT16, 16, 5)
            .output("mass", OnnxGraph.FLOAT)
            .output("keys", OnnxGraph.FLOAT)
            .output("token_offsets", OnnxGraph.INT64)
            .output("nucleus", OnnxGraph.BOOL)
            .output("tokens", OnnxGraph.FLOAT16)
            .output("kept", OnnxGraph.INT64)
            .node(
                "AttentionMass",
                List.of("query", "query", "offsets"),
                List.of("mass", "keys", "token_offsets"),
                Map.of("grid", new long[] {4, 8}, "block", new long[] {2, 2}))
            .node(
                "NucleusSelect",
                List.of("mass", "token_offsets"),
                List.of("nucleus"),
                Map.of("tau", 0.9f))
            .node(
                "ContextualMerge",
                List.of("features", "keys", "nucleus", "token_offsets"),
                List.of("tokens", "kept", "kept_offsets"),
                Map.of("ratio", 0.05f));
    try (var model = new Model(graph)) {
      assertArrayEquals(new long[] {16}, outputShape(model, "mass"));
      assertArrayEquals(new long[] {16, 8}, outputShape(model, "keys"));
      assertArrayEquals(new long[] {3}, outputShape(model, "token_offsets"));
      assertArrayEquals(new long[] {16}, outputShape(model, "nucleus"));
      assertArrayEquals(new long[] {-1, 5}, outputShape(model, "tokens"));
      assertArrayEquals(new long[] {-1}, outputShape(model, "kept"));
    }
  }

  /** An optional input between others, left out by name. */
  @Test
  void anOptionalInputMayBeLeftOutInTheMiddle() throws OrtException {
    OnnxGraph graph =
        new OnnxGraph()
            .input("scores", OnnxGraph.FLOAT, "N")
            .input("volumes", OnnxGraph.INT64, "V")
            .output("nucleus", OnnxGraph.BOOL)
            .node(
                "NucleusSelect",
                List.of("scores", "", "volumes"),
                List.of("nucleus"),
                Map.of("tau", 0.5f));
    try (var model = new Model(graph);
        var actual =
            model.run(
                Map.of(
                    "scores", Model.tensor(new float[] {9, 0, 0}, 3),
                    "volumes", Model.tensor(new long[] {0, 1}, 2)))) {
      assertArrayEquals(new byte[] {1, 0, 0}, actual.bytes("nucleus"));
    }
  }

  /** An output that goes to memory the caller has. */
  @Test
  void outputsMayBePinned() throws OrtException {
    OnnxGraph graph =
        new OnnxGraph()
            .input("scores", OnnxGraph.FLOAT, "N")
            .output("nucleus", OnnxGraph.BOOL)
            .output("counts", OnnxGraph.INT64)
            .node(
                "NucleusSelect",
                List.of("scores"),
                List.of("nucleus", "", "counts"),
                Map.of("tau", 0.5f));
    try (var model = new Model(graph);
        OnnxTensor scores = Model.tensor(new float[] {0, 9, 0}, 3);
        OnnxTensor counts = Model.tensor(new long[1], 1);
        var result =
            model.session().run(Map.of("scores", scores), Set.of(), Map.of("counts", counts))) {
      assertEquals(1, result.size());
      assertEquals(1, counts.getLongBuffer().get(0));
    }
  }
}
