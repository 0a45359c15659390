package org.medpruner.vlm.hulu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.medpruner.AttentionMass;
import org.medpruner.Device;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.PatchPooling;
import org.medpruner.PruningReport;
import org.medpruner.Workspace;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.PrunedPrompt;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.engine.SliceGrid;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.golden.GoldenFolder;
import org.medpruner.vlm.golden.GoldenRun;
import org.medpruner.vlm.golden.ModelGolden;
import org.medpruner.vlm.golden.ModelGolden.Volume;
import org.medpruner.vlm.golden.Values;
import org.medpruner.vlm.nn.EncoderStack;
import org.medpruner.vlm.nn.PatchGrid;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.pruning.TokenStage;
import org.medpruner.volume.SliceInfo;

/**
 * Parity of Hulu-Med with the released Python code and with plain transformers, on the golden
 * folder. Every scenario, shape and id comes from its files; tolerances are those its README and
 * manifest state.
 */
class HuluGoldenTest {
  private static final double FEATURES = 1e-5;
  private static final double MASS = 1e-5;

  private static ModelGolden<HuluFamily> golden;
  private static GoldenRun run;

  @BeforeAll
  static void open() {
    // The real volume was cut to a multiple of the patch and then enlarged.
    golden =
        ModelGolden.open(
            "hulu",
            HuluFamily::load,
            f -> f.config().imageToken(),
            (f, p) -> p.height() < 200 ? p.cropped(6, 1, 84, 126).enlarged(2) : p);
    run = new GoldenRun(golden);
  }

  @AfterAll
  static void close() {
    if (golden != null) {
      golden.close();
    }
  }

  private static PatchGrid grid(Volume v) {
    return PatchGrid.of(
        (int) v.pixels.size(2),
        (int) v.pixels.size(3),
        golden.family.config().vision().patchSize(),
        HuluFamily.VOLUME_MERGE);
  }

  private static Tensor patches(Volume v) {
    return golden.source(v).pictures(IntStream.range(0, v.slices).toArray());
  }

  private static void close(String name, Tensor actual, double tolerance) {
    Values.assertClose(name, golden.expected.doubles(name), Values.of(actual), tolerance);
  }

  @Test
  void patchVectorsAreTheGoldenOnes() {
    for (String group : List.of("run", "example4d")) {
      try (PointerScope scope = new PointerScope()) {
        run.checkPixels(group, patches(golden.volume(group)));
      }
    }
  }

  @Test
  void gridIsTheGoldenOne() {
    PatchGrid grid = grid(golden.volume("run"));
    assertArrayEquals(
        new int[] {golden.volume("run").slices, grid.height(), grid.width()},
        golden.expected.ints("grid_sizes"));
    assertArrayEquals(new int[] {grid.merge()}, golden.expected.ints("merge_sizes"));
  }

  @Test
  void visionEncoder() {
    Volume v = golden.volume("run");
    try (PointerScope scope = new PointerScope()) {
      Tensor patches = patches(v);
      close(
          "vision_embeddings_img0",
          golden.family.vision().embed(patches.narrow(0, 0, 1)),
          FEATURES);
      EncoderStack.Output seen = golden.family.vision().encode(patches, grid(v));
      close("vision_last_hidden", seen.hidden(), FEATURES);
      close(
          "vision_encoder_out",
          HuluProjector.downsample(seen.hidden(), grid(v)).contiguous(),
          FEATURES);
      close("image_features", golden.encoded(v).features(), FEATURES);
    }
  }

  /** Patches lie block by block, so the neighbours of both poolings are the projector's. */
  private static AttentionMass.Pooling pooling() {
    SliceGrid slices = golden.source(golden.volume("run")).grid();
    AttentionMass.Pooling pooling = golden.family.pooling(PatchPooling.PROJECTOR, slices);
    assertEquals(pooling, golden.family.pooling(PatchPooling.CONTIGUOUS, slices));
    return pooling;
  }

  @Test
  void attentionMassAndPooledKeys() {
    try (Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = run.stage(golden.volume("run"), pooling(), w)) {
      close("attn_mass", stage.mass(), MASS);
      close("pooled_keys", stage.pooledKeys(), FEATURES);
    }
  }

  @Test
  void attentionMassOfTheSameQueriesInDoublePrecision() {
    run.checkMassInDouble(golden.volume("run"), pooling());
  }

  @Test
  void attentionMassOfSinglePatches() {
    Volume v = golden.volume("run");
    VisionEncoder.Tokens t = golden.encoded(v);
    double[] expected = golden.expected.doubles("attn_mass_patch");
    try (Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = run.stage(v.slices, golden.source(v).grid().patches(), t, w)) {
      stage.add(0, t.query(), t.key(), new AttentionMass.Contiguous(1));
      // The stated figure is for masses pooled to mean 1; a patch's own reaches 7.5.
      double largest = Arrays.stream(expected).max().orElseThrow();
      Values.assertClose("attn_mass_patch", expected, Values.of(stage.mass()), MASS * largest);
    }
  }

  @TestFactory
  Stream<DynamicTest> sliceStage() {
    return golden.each("slice/(.*/gamma.*)/mask", run::checkSlices);
  }

  @TestFactory
  Stream<DynamicTest> compose() {
    return golden.each("compose/(tau[^/]*)/role", tau -> run.checkCompose(tau, pooling()));
  }

  /**
   * Whole runs, but for those with slice_compose off, where the released code runs another filter
   * instead of none; see {@link #b15OffIsOff}.
   */
  @TestFactory
  Stream<DynamicTest> runs() {
    return golden.each("((?:run/(?!LEGACY)|example4d/|single/).*)/compression_mask", run::checkRun);
  }

  /**
   * Separate pictures, as the released code sends five slices and fewer: a token for every patch,
   * and stage 1 passes over them.
   */
  @Test
  void separatePictures() {
    GoldenFolder.assume(golden.expected.has("image_mode/input_ids"), "no image_mode");
    int slices = (int) golden.expected.shape("image_mode/grid_sizes")[0];
    PruningPolicy policy = golden.policy("P90").toBuilder().sliceAnchoring(false).build();
    try (PointerScope scope = new PointerScope()) {
      PixelSource source =
          golden.family.pixels(golden.volume("run").pixels.narrow(0, 0, slices), 1);
      List<SliceInfo> info = new ArrayList<>();
      for (int i = 0; i < slices; i++) {
        info.add(new SliceInfo(i, i, Double.NaN));
      }
      try (PrunedVolume v =
          golden.pipeline.encode(
              source, golden.family.vision(source), info, Double.NaN, 0, policy, Progress.NONE)) {
        Prompt prompt = golden.prompt("image_mode", source.grid().tokens());
        run.checkRun("image_mode/P90", policy, v, prompt);
      }
    }
  }

  @Test
  void offEqualsStockTransformers() {
    checkStock(PruningPolicy.OFF, "U");
  }

  /** Plain Qwen2 on the pruned embeddings. */
  @Test
  void prunedEqualsStockTransformers() {
    checkStock(golden.policy("P90"), "P90");
  }

  private static void checkStock(PruningPolicy policy, String scenario) {
    String prefix = "qwen2/sdpa/" + scenario;
    GoldenFolder.assume(golden.stock.has(prefix + "/prefill_logits"), "stock has no " + prefix);
    try (PrunedVolume v = golden.encode(golden.volume("run"), policy)) {
      PrunedPrompt pruned = golden.pipeline.prune(golden.prompt("run"), v);
      int[] generated = golden.stock.ints(prefix + "/generated");
      GoldenRun.Decoded decoded = run.decode(v.tokens(), pruned, generated.length);
      run.checkPrefill(prefix, golden.stock, storedRows(pruned.length()), decoded.prefill());
      for (String attention : List.of("sdpa", "eager", "flash_attention_2")) {
        assertEquals(
            Arrays.stream(golden.stock.ints("qwen2/" + attention + "/" + scenario + "/generated"))
                .boxed()
                .toList(),
            decoded.ids());
      }
    }
  }

  /** Rows whose logits plain transformers' file stores: every 61st and the last 16. */
  private static int[] storedRows(int length) {
    TreeSet<Integer> rows = new TreeSet<>();
    for (int r = 0; r < length; r += 61) {
      rows.add(r);
    }
    for (int r = Math.max(0, length - 16); r < length; r++) {
      rows.add(r);
    }
    return rows.stream().mapToInt(Integer::intValue).toArray();
  }

  /** B15: without slice anchoring nothing is dropped, where the released code filters patches. */
  @Test
  void b15OffIsOff() {
    try (PrunedVolume v = golden.encode(golden.volume("run"), golden.policy("LEGACY"))) {
      assertEquals(new PruningReport.Rates(1, 1, 1), v.report().rates());
      boolean[] released = golden.expected.bools("run/LEGACY/compression_mask");
      assertEquals(released.length, v.selection().kept());
      assertTrue(IntStream.range(0, released.length).anyMatch(i -> !released[i]));
    }
  }
}
