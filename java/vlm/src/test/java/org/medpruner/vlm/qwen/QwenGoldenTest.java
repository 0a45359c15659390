package org.medpruner.vlm.qwen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
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
import org.medpruner.PruningPolicy.Resizing;
import org.medpruner.PruningReport;
import org.medpruner.Workspace;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.PromptPositions;
import org.medpruner.vlm.engine.PrunedPrompt;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.golden.GoldenFolder;
import org.medpruner.vlm.golden.GoldenRun;
import org.medpruner.vlm.golden.ModelGolden;
import org.medpruner.vlm.golden.ModelGolden.Volume;
import org.medpruner.vlm.golden.Values;
import org.medpruner.vlm.nn.PatchGrid;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.pruning.TokenStage;
import org.medpruner.volume.SliceImages;

/**
 * Parity with the released Python code and with plain transformers, on the golden folder. Every
 * scenario, shape and id comes from its files; tolerances are those its README states.
 */
class QwenGoldenTest {
  /** The first layer: the stored values are 6.9e-6 away from those computed in F64. */
  private static final double EMBEDDING = 1e-5;

  /**
   * Tower and mass: the stored values are those of one F32 tower, which is 4.6e-5 (hidden), 1.1e-5
   * (mass of a token) and 4.4e-5 (mass of a patch, up to 25) away from the same in F64. A second
   * one that is as good may be as far on the other side.
   */
  private static final double MASS = 2.5e-5;

  private static final double PATCH_MASS = 9e-5;

  private static ModelGolden<QwenFamily> golden;
  private static GoldenRun run;

  @BeforeAll
  static void open() {
    // The real volume was enlarged before it was cut into patches.
    golden =
        ModelGolden.open(
            "qwen3vl",
            QwenFamily::load,
            f -> f.config().imageToken(),
            (f, p) -> p.height() < 200 ? p.enlarged(2) : p);
    run = new GoldenRun(golden);
  }

  @AfterAll
  static void close() {
    if (golden != null) {
      golden.close();
    }
  }

  private static PatchGrid grid(Volume volume) {
    QwenVisionConfig c = golden.family.config().vision();
    return PatchGrid.of(
        (int) volume.pixels.size(2), (int) volume.pixels.size(3), c.patchSize(), c.mergeSize());
  }

  private static int[] all(Volume volume) {
    int[] slices = new int[volume.slices];
    Arrays.setAll(slices, i -> i);
    return slices;
  }

  @Test
  void patchVectorsAreTheGoldenOnes() {
    for (String group : List.of("run", "example4d")) {
      Volume volume = golden.volume(group);
      try (PointerScope scope = new PointerScope()) {
        Tensor patches = golden.source(volume).pictures(all(volume));
        run.checkPixels(group, patches);
      }
    }
  }

  /** The main volume's size is one the processor leaves alone, so its bytes must give the same. */
  @Test
  void eightBitPicturesGiveTheSame() {
    Volume volume = golden.volume("run");
    SliceImages images = volume.pictures.images();
    try (PointerScope scope = new PointerScope();
        Workspace w = Workspace.create(Device.CPU);
        PixelSource bytes =
            golden.family.pixels(
                List.of(images),
                golden.family.preparation(images, Resizing.MODEL),
                Progress.NONE)) {
      assertArrayEquals(
          Values.of(golden.source(volume).pictures(all(volume))),
          Values.of(bytes.pictures(all(volume))));
      for (String gamma : List.of("0.0", "0.05", "0.3")) {
        run.checkSlices(
            "phantom/gamma" + gamma,
            bytes
                .anchor(Double.parseDouble(gamma), 0, 0, new long[] {0, volume.slices}, w)
                .getFirst(),
            bytes.grid().tokens());
      }
    }
  }

  @Test
  void gridIsTheGoldenOne() {
    PatchGrid grid = grid(golden.volume("run"));
    int[] expected = golden.expected.ints("image_grid_thw");
    for (int slice = 0; slice < expected.length / 3; slice++) {
      assertArrayEquals(
          new int[] {1, grid.height(), grid.width()},
          Arrays.copyOfRange(expected, 3 * slice, 3 * slice + 3));
    }
  }

  @Test
  void partsOfTheVisionTower() {
    Volume volume = golden.volume("run");
    QwenVisionTower tower = golden.family.tower();
    try (PointerScope scope = new PointerScope()) {
      Tensor patches = golden.source(volume).pictures(new int[] {0});
      close("vision_patch_embed_img0", tower.embed(patches), EMBEDDING);
      close("vision_pos_embed_img0", tower.positions(grid(volume)), 1e-6);
      close("vision_rot_pos_emb_img0", tower.angles(grid(volume)), 1e-6);
    }
  }

  @Test
  void visionTower() {
    Volume volume = golden.volume("run");
    try (PointerScope scope = new PointerScope()) {
      QwenVisionTower.Output seen =
          golden.family.tower().encode(golden.source(volume).pictures(all(volume)), grid(volume));
      close("vision_last_hidden", seen.hidden(), GoldenRun.LOGITS);
      close("image_features", seen.features(), GoldenRun.LOGITS);
      for (int plane = 0; plane < seen.planes().size(); plane++) {
        close("deepstack_" + plane, seen.planes().get(plane), GoldenRun.LOGITS);
      }
      assertEquals(golden.family.planes(), seen.planes().size());
    }
  }

  private static void close(String name, Tensor actual, double tolerance) {
    Values.assertClose(name, golden.expected.doubles(name), Values.of(actual), tolerance);
  }

  @Test
  void attentionMassAndPooledKeys() {
    try (Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = run.stage(golden.volume("run"), pooling(), w)) {
      close("attn_mass", stage.mass(), MASS);
      close("pooled_keys", stage.pooledKeys(), 1e-5);
    }
  }

  @Test
  void attentionMassOfTheSameQueriesInDoublePrecision() {
    run.checkMassInDouble(golden.volume("run"), pooling());
  }

  @Test
  void attentionMassOfSinglePatches() {
    Volume volume = golden.volume("run");
    VisionEncoder.Tokens t = golden.encoded(volume);
    int patches = golden.source(volume).grid().patches();
    try (Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = run.stage(volume.slices, patches, t, w)) {
      stage.add(0, t.query(), t.key(), new AttentionMass.Contiguous(1));
      close("attn_mass_patch_f64", stage.mass(), PATCH_MASS);
    }
  }

  /** Both poolings are the neighbours that the merger joins: the layout is in merge blocks. */
  private static AttentionMass.Pooling pooling() {
    return golden.family.pooling(
        PruningPolicy.PatchPooling.CONTIGUOUS, golden.source(golden.volume("run")).grid());
  }

  @TestFactory
  Stream<DynamicTest> sliceStage() {
    return golden.each("slice/(.*/gamma.*)/mask", run::checkSlices);
  }

  @TestFactory
  Stream<DynamicTest> compose() {
    return golden.each("compose/(tau[^/]*)/mask", tau -> run.checkCompose(tau, pooling()));
  }

  @TestFactory
  Stream<DynamicTest> runs() {
    return golden.each("(.*)/compression_mask", run::checkRun);
  }

  @Test
  void positionsOfTheFullPrompt() {
    Prompt prompt = golden.prompt("run");
    PromptPositions p = golden.family.positions(prompt, golden.source(golden.volume("run")).grid());
    assertArrayEquals(
        golden.expected.ints("rope_index_full"),
        Arrays.stream(p.axes()).flatMapToLong(Arrays::stream).mapToInt(Math::toIntExact).toArray());
    assertEquals(golden.expected.ints("rope_delta")[0], p.next() - prompt.length());
  }

  @TestFactory
  Stream<DynamicTest> offEqualsStockTransformers() {
    return Stream.of("flash_attention_2", "sdpa", "eager")
        .map(a -> DynamicTest.dynamicTest(a, () -> checkStock("qwen3vl/" + a)));
  }

  private static void checkStock(String prefix) {
    GoldenFolder.assume(golden.stock.has(prefix + "/generated"), "stock has no " + prefix);
    try (PrunedVolume v = golden.encode(golden.volume("run"), PruningPolicy.OFF)) {
      Prompt prompt = golden.prompt("run");
      PrunedPrompt pruned = golden.pipeline.prune(prompt, v);
      assertEquals(prompt.length(), pruned.length());
      assertEquals(new PruningReport.Rates(1, 1, 1), v.report().rates());
      int[] generated = golden.stock.ints(prefix + "/generated");
      GoldenRun.Decoded decoded = run.decode(v.tokens(), pruned, generated.length);
      run.checkPrefill(prefix, golden.stock, golden.stock.ints("qwen3vl/rows"), decoded.prefill());
      assertEquals(Arrays.stream(generated).boxed().toList(), decoded.ids());
    }
  }
}
