package org.medpruner.vlm.gemma;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.DType;
import org.medpruner.InputException;
import org.medpruner.MedPrunerUnavailableException;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.DroppedSlice;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.engine.Pipeline;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.engine.SliceGrid;
import org.medpruner.vlm.golden.GoldenFolder;
import org.medpruner.vlm.golden.Values;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.pruning.SliceStage;
import org.medpruner.volume.SliceInfo;

/** The pipeline on a tiny checkpoint: what reaches the encoder, reports, layouts, and misuse. */
class GemmaPipelineTest {
  private static final Path TINY = TinyCheckpointTest.folder("window-below-image");
  private static final int SIDE = 48;
  private static final int TOKENS = 16;

  @TempDir Path folder;

  /** Slices of one value each. */
  private static MemorySegment slices(Arena arena, double... values) {
    long size = 3L * SIDE * SIDE;
    MemorySegment m = arena.allocate(values.length * size * 4, 64);
    for (int s = 0; s < values.length; s++) {
      for (long i = 0; i < size; i++) {
        // A gradient, so that patches differ; the same in all slices.
        m.setAtIndex(ValueLayout.JAVA_FLOAT, s * size + i, (float) (values[s] + i % SIDE / 100.0));
      }
    }
    return m;
  }

  private static Prompt prompt(int slices) {
    List<Integer> ids = new ArrayList<>(List.of(2, 20, 21));
    List<Integer> owner = new ArrayList<>(List.of(-1, -1, -1));
    for (int s = 0; s < slices; s++) {
      ids.addAll(List.of(30 + s, 150));
      owner.addAll(List.of(s, s));
      for (int t = 0; t < TOKENS; t++) {
        ids.add(152);
        owner.add(s);
      }
      ids.add(151);
      owner.add(s);
    }
    ids.addAll(List.of(60, 61));
    owner.addAll(List.of(-1, -1));
    int[] id = ids.stream().mapToInt(Integer::intValue).toArray();
    boolean[] image = new boolean[id.length];
    for (int t = 0; t < id.length; t++) {
      image[t] = id[t] == 152;
    }
    return new Prompt(id, owner.stream().mapToInt(Integer::intValue).toArray(), image);
  }

  private static Pipeline load(Path path, LoadOptions options) {
    return new Pipeline(GemmaFamily.load(path, options, Progress.NONE), options);
  }

  private static Pipeline load(Path path) {
    return load(path, LoadOptions.DEFAULT);
  }

  private static EncodedVolume encode(
      Pipeline p, Arena arena, PruningPolicy policy, double... values) {
    return p.encode(slices(arena, values), values.length, SIDE, SIDE, 5, policy, Progress.NONE);
  }

  /** A source that notes which slices are asked for. */
  private record Watched(PixelSource source, List<Integer> seen) implements PixelSource {
    @Override
    public int count() {
      return source.count();
    }

    @Override
    public SliceGrid grid() {
      return source.grid();
    }

    @Override
    public List<SliceStage.Result> anchor(
        double gamma, long maxGap, double patchGamma, long[] bounds, Workspace workspace) {
      assertTrue(seen.isEmpty(), "the encoder ran before the slices were anchored");
      return source.anchor(gamma, maxGap, patchGamma, bounds, workspace);
    }

    @Override
    public Tensor pictures(int[] slices) {
      Arrays.stream(slices).forEach(seen::add);
      return source.pictures(slices);
    }

    @Override
    public void close() {
      source.close();
    }
  }

  private static List<Integer> encoded(PruningPolicy policy, double... values) {
    double[] unknown = new double[values.length];
    Arrays.fill(unknown, Double.NaN);
    return encodedAt(unknown, policy, values);
  }

  private static List<Integer> encodedAt(
      double[] positions, PruningPolicy policy, double... values) {
    try (Pipeline p = load(TINY);
        Arena arena = Arena.ofConfined();
        var pixels =
            TorchTensors.borrow(slices(arena, values), DType.F32, values.length, 3, SIDE, SIDE)) {
      Watched watched = new Watched(p.family().pixels(pixels.tensor()), new ArrayList<>());
      List<SliceInfo> info = new ArrayList<>();
      for (int i = 0; i < values.length; i++) {
        info.add(new SliceInfo(i, i, positions[i]));
      }
      try (PrunedVolume v =
          p.encode(watched, p.family().vision(watched), info, 5, 0, policy, Progress.NONE)) {
        assertEquals(
            values.length - new TreeSet<>(watched.seen).size(),
            v.report().savings().encoderSlices());
      }
      return watched.seen;
    }
  }

  /**
   * B1: slices are filtered before the encoder, which then sees each kept one once and no other.
   */
  @Test
  void b1OnlyKeptSlicesReachTheEncoder() {
    double[] values = {0, 0.01, 0.5, 0.51, 0.52, -0.3, -0.29};
    assertEquals(List.of(0, 2, 5), encoded(PruningPolicy.PAPER, values));
    assertEquals(List.of(0, 2, 5), encoded(PruningPolicy.NUCLEUS, values));
    assertEquals(List.of(0, 1, 2, 3, 4, 5, 6), encoded(PruningPolicy.OFF, values));
    assertEquals(List.of(0, 1, 2, 3, 4, 5, 6), encoded(PruningPolicy.REFERENCE, values));
    assertEquals(List.of(0, 2, 4, 5), encoded(PruningPolicy.PAPER.withMaxGapSlices(2), values));
    PruningPolicy mm = PruningPolicy.PAPER.toBuilder().maxGapMm(12).build();
    assertEquals(List.of(0, 2, 4, 5), encoded(mm, values));
    double[] sampled = {0, 2, 4, 12, 18, 24, 30};
    assertEquals(
        List.of(0, 1, 2, 3, 4, 5, 6), encodedAt(sampled, mm, values), "14 mm in two steps");
    PruningPolicy blind = PruningPolicy.PAPER.withGamma(2);
    assertEquals(List.of(0), encoded(blind, values));
    assertEquals(List.of(0, 2, 5), encoded(blind.withPatchGamma(0.1), values));
  }

  @Test
  void aDroppedSliceLeavesNoTokenAndTheAnswerStillComes() {
    try (Pipeline p = load(TINY);
        Arena arena = Arena.ofConfined();
        var v = encode(p, arena, PruningPolicy.PAPER, 0, 0.01, 0.5)) {
      TokenModel.Generation g = p.generate(v, prompt(3), 6, false, Progress.NONE);
      assertEquals(6, g.tokenIds().size());
      assertFalse(g.stopped());
      int tokens = v.report().slices().stream().mapToInt(s -> s.tokens()).sum();
      // Two slices with label and marks, five tokens of text.
      assertEquals(5 + 2 * 3 + tokens, g.promptTokens());
      assertEquals(prompt(3).length() - g.promptTokens(), g.report().savings().prefillTokens());
      assertEquals(1, g.report().savings().encoderSlices());
      // Asking again gives the same: nothing of the first request is left.
      assertEquals(g.tokenIds(), p.generate(v, prompt(3), 6, false, Progress.NONE).tokenIds());
    }
  }

  @Test
  void aNonFiniteSliceIsKeptAndFlagged() {
    try (Pipeline p = load(TINY);
        Arena arena = Arena.ofConfined();
        var v = encode(p, arena, PruningPolicy.PAPER, 0, Double.NaN, 0.01)) {
      assertTrue(v.report().slices().get(1).kept());
      assertTrue(v.report().flags().contains("slice 1: non-finite pixels, kept"));
      assertTrue(
          v.report().flags().contains("slice 1: non-finite attention mass, all tokens kept"));
      assertEquals(TOKENS, v.report().slices().get(1).tokens());
    }
  }

  /** A guard that cannot be kept is refused, not passed over. */
  @Test
  void aBoundInMillimetresNeedsTheSpacing() {
    PruningPolicy mm = PruningPolicy.PAPER.toBuilder().maxGapMm(5).build();
    try (Pipeline p = load(TINY);
        Arena arena = Arena.ofConfined()) {
      MemorySegment pixels = slices(arena, 0, 0.01);
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> p.encode(pixels, 2, SIDE, SIDE, Double.NaN, mm, Progress.NONE));
      assertTrue(String.valueOf(e.getMessage()).startsWith("maxGapMm = 5.0"), e.getMessage());
      try (var v = p.encode(pixels, 2, SIDE, SIDE, 2.5, mm, Progress.NONE)) {
        assertEquals(List.of(), v.report().flags());
      }
    }
  }

  /** Batches do not change results. */
  @Test
  void theBoundOnMemorySetsTheBatchNotTheResult() {
    try (Arena arena = Arena.ofConfined();
        Pipeline all = load(TINY);
        Pipeline single = load(TINY, new LoadOptions(false, 1))) {
      MemorySegment m = slices(arena, 0, 0.2, 0.5, -0.4);
      PruningPolicy policy = PruningPolicy.NUCLEUS.withTau(0.5);
      try (var a = all.encode(m, 4, SIDE, SIDE, 5, policy, Progress.NONE);
          var b = single.encode(m, 4, SIDE, SIDE, 5, policy, Progress.NONE)) {
        Values.assertClose(
            "features",
            toDoubles(Values.of(((PrunedVolume) a).tokens().features())),
            Values.of(((PrunedVolume) b).tokens().features()),
            1e-5);
        assertArrayEquals(
            ((PrunedVolume) a).selection().token(), ((PrunedVolume) b).selection().token());
      }
    }
  }

  private static double[] toDoubles(float[] f) {
    double[] d = new double[f.length];
    for (int i = 0; i < d.length; i++) {
      d[i] = f[i];
    }
    return d;
  }

  /** Copies the checkpoint with other tensor names; the header is rewritten, the data stay. */
  private void renamed(UnaryOperator<String> names) throws IOException {
    try (Stream<Path> files = Files.list(TINY)) {
      for (Path f : files.filter(Files::isRegularFile).toList()) {
        Files.copy(f, folder.resolve(f.getFileName().toString()));
      }
    }
    byte[] bytes = Files.readAllBytes(TINY.resolve("model.safetensors"));
    int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    ObjectMapper mapper = new ObjectMapper();
    JsonNode old = mapper.readTree(Arrays.copyOfRange(bytes, 8, 8 + length));
    ObjectNode header = mapper.createObjectNode();
    old.properties().forEach(e -> header.set(names.apply(e.getKey()), e.getValue()));
    byte[] json = mapper.writeValueAsBytes(header);
    ByteBuffer out =
        ByteBuffer.allocate(8 + json.length + bytes.length - 8 - length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .put(bytes, 8 + length, bytes.length - 8 - length);
    Files.write(folder.resolve("model.safetensors"), out.array());
  }

  private static String plain(String name) {
    return name.replace("vision_tower.vision_model.", "vision_tower.");
  }

  /** All three name layouts load to the same model, wherever the header's length puts the data. */
  @ParameterizedTest
  @ValueSource(strings = {"A", "B", "C"})
  void allNameLayoutsGiveTheSameModel(String layout) throws IOException {
    renamed(
        name -> {
          String base = plain(name);
          String text = base.replace("language_model.model.", "language_model.");
          return switch (layout) {
            case "A" -> base.replace("vision_tower.", "vision_tower.vision_model.");
            case "B" ->
                name.startsWith("__")
                    ? name
                    : "model." + text.replace("vision_tower.", "vision_tower.vision_model.");
            default -> name.startsWith("__") ? name : "model." + text;
          };
        });
    assertEquals(answer(TINY), answer(folder));
  }

  private static List<Integer> answer(Path path) {
    try (Pipeline p = load(path);
        Arena arena = Arena.ofConfined();
        var v = encode(p, arena, PruningPolicy.OFF, 0, 0.5)) {
      return p.generate(v, prompt(2), 5, false, Progress.NONE).tokenIds();
    }
  }

  @Test
  void aMissingTensorIsNamed() throws IOException {
    renamed(name -> name.replace("layers.2.mlp.up_proj", "layers.2.mlp.other"));
    InputException e = assertThrows(InputException.class, () -> load(folder).close());
    assertTrue(
        String.valueOf(e.getMessage()).endsWith("layers.2.mlp.up_proj.weight is missing"),
        e.getMessage());
  }

  @Test
  void aWrongShapeIsNamed() throws IOException {
    renamed(name -> name);
    Path config = folder.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config).replace("\"intermediate_size\": 48", "\"intermediate_size\": 47"));
    InputException e = assertThrows(InputException.class, () -> load(folder).close());
    assertTrue(
        String.valueOf(e.getMessage()).contains("mlp.gate_proj.weight has shape [48, 32]"),
        e.getMessage());
  }

  @Test
  void aMissingShardIsNamed() throws IOException {
    Path sharded = TinyCheckpointTest.folder("bf16-sharded");
    try (Stream<Path> files = Files.list(sharded)) {
      for (Path f : files.toList()) {
        Files.copy(f, folder.resolve(f.getFileName().toString()));
      }
    }
    Files.delete(folder.resolve("model-00003-of-00005.safetensors"));
    InputException e = assertThrows(InputException.class, () -> load(folder).close());
    assertTrue(
        String.valueOf(e.getMessage())
            .contains("shard model-00003-of-00005.safetensors is missing"),
        e.getMessage());
    Files.delete(folder.resolve("model.safetensors.index.json"));
    assertThrows(InputException.class, () -> load(folder).close());
    assertThrows(InputException.class, () -> load(folder.resolve("nowhere")).close());
  }

  @Test
  void aPromptBeyondTheContextIsRefused() {
    int slices = 30;
    try (Pipeline p = load(TINY);
        Arena arena = Arena.ofConfined();
        var v = encode(p, arena, PruningPolicy.OFF, new double[slices])) {
      InputException e =
          assertThrows(
              InputException.class, () -> p.generate(v, prompt(slices), 5, true, Progress.NONE));
      assertTrue(String.valueOf(e.getMessage()).contains("context has 512"), e.getMessage());
      assertTrue(String.valueOf(e.getMessage()).contains("prune more"), e.getMessage());
    }
  }

  /** No pruning makes those positions fewer. */
  @Test
  void aPromptBeyondTheContextInOriginalPositionsIsToldWhatHelps() {
    int slices = 30;
    PruningPolicy original =
        PruningPolicy.PAPER.toBuilder().positions(PruningPolicy.Positions.ORIGINAL).build();
    try (Pipeline p = load(TINY);
        Arena arena = Arena.ofConfined();
        var v = encode(p, arena, original, new double[slices]);
        var renumbered = encode(p, arena, PruningPolicy.PAPER, new double[slices])) {
      int full = prompt(slices).length();
      InputException e =
          assertThrows(
              InputException.class, () -> p.generate(v, prompt(slices), 5, true, Progress.NONE));
      assertEquals(
          "the prompt takes "
              + full
              + " positions, but the model's context has 512; they are those of the prompt before"
              + " pruning (positions = ORIGINAL), so give fewer slices, ask less or set positions ="
              + " RENUMBERED",
          e.getMessage());
      assertEquals(
          1, p.generate(renumbered, prompt(slices), 1, false, Progress.NONE).tokenIds().size());
    }
  }

  @Test
  void generationStopsWhereTheContextEnds() {
    int slices = 26;
    try (Pipeline p = load(TINY);
        Arena arena = Arena.ofConfined();
        var v = encode(p, arena, PruningPolicy.OFF, new double[slices])) {
      int length = prompt(slices).length();
      TokenModel.Generation g = p.generate(v, prompt(slices), 100, false, Progress.NONE);
      assertEquals(512 - length + 1, g.tokenIds().size());
    }
  }

  @Test
  void misuseIsRefused() {
    Pipeline p = load(TINY);
    try (Arena arena = Arena.ofConfined();
        Pipeline other = load(TINY)) {
      MemorySegment two = slices(arena, 0, 0.5);
      assertThrows(
          IllegalArgumentException.class,
          () -> p.encode(two, 0, SIDE, SIDE, 5, PruningPolicy.OFF, Progress.NONE).close());
      assertThrows(
          IllegalArgumentException.class,
          () -> p.encode(two, 3, SIDE, SIDE, 5, PruningPolicy.OFF, Progress.NONE).close());
      PruningPolicy corner =
          PruningPolicy.PAPER.toBuilder().droppedSlice(DroppedSlice.CORNER_TOKEN).build();
      assertThrows(
          IllegalArgumentException.class,
          () -> p.encode(two, 2, SIDE, SIDE, 5, corner, Progress.NONE).close());
      var v = p.encode(two, 2, SIDE, SIDE, 5, PruningPolicy.OFF, Progress.NONE);
      assertThrows(
          IllegalArgumentException.class,
          () -> other.generate(v, prompt(2), 5, true, Progress.NONE));
      assertThrows(
          IllegalArgumentException.class, () -> p.generate(v, prompt(2), -1, true, Progress.NONE));
      // A second call inside a running one, from its progress callback.
      assertThrows(
          IllegalStateException.class,
          () ->
              p.generate(
                  v,
                  prompt(2),
                  3,
                  true,
                  (stage, done, total) -> p.generate(v, prompt(2), 1, true, Progress.NONE)));
      assertNotEquals(List.of(), p.generate(v, prompt(2), 1, true, Progress.NONE).tokenIds());
      v.close();
      v.close();
      assertThrows(
          IllegalStateException.class, () -> p.generate(v, prompt(2), 5, true, Progress.NONE));
      p.close();
      p.close();
      assertThrows(
          IllegalStateException.class,
          () -> p.encode(two, 2, SIDE, SIDE, 5, PruningPolicy.OFF, Progress.NONE).close());
    }
  }

  @Test
  void cudaWithoutOneIsRefusedWithTheReason() {
    String reason = TorchRuntime.require().cudaUnavailable();
    GoldenFolder.assume(reason != null, "this machine has CUDA");
    MedPrunerUnavailableException e =
        assertThrows(
            MedPrunerUnavailableException.class,
            () -> load(TINY, new LoadOptions(true, 1)).close());
    assertEquals("CUDA is unavailable: " + reason, e.getMessage());
  }
}
