package org.medpruner.vlm.qwen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.ContextualMerge;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.DeepStack;
import org.medpruner.PruningPolicy.Positions;
import org.medpruner.PruningPolicy.Resizing;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.TokenModel.Generation;
import org.medpruner.vlm.engine.Pipeline;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.PrunedPrompt;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.engine.SliceGrid;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.vlm.golden.Values;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.PillowResize;
import org.medpruner.volume.PillowResize.Filter;
import org.medpruner.volume.SliceImages;

/** What pruning does to features, DeepStack planes and positions, on a random checkpoint. */
class QwenPruningTest {
  private static final int SLICES = 7;
  private static final SliceImages IMAGES = TinyQwen.pictures(SLICES, 140, 112);

  @TempDir static Path folder;

  private static QwenFamily family;
  private static Pipeline pipeline;
  private static QwenChat chat;

  @BeforeAll
  static void open() throws Exception {
    TinyQwen.write(folder);
    family = QwenFamily.load(folder, LoadOptions.DEFAULT, Progress.NONE);
    pipeline = new Pipeline(family, LoadOptions.DEFAULT);
    chat = QwenChat.load(folder);
  }

  @AfterAll
  static void close() {
    pipeline.close();
    chat.close();
  }

  private static PrunedVolume encode(PruningPolicy policy) {
    return pipeline.encode(IMAGES, policy, Progress.NONE);
  }

  private static Prompt prompt(PrunedVolume v) {
    return chat.prompt(
        PromptLayout.GOOGLE, SLICES, v.selection().tokensPerSlice(), "Is a lesion seen?");
  }

  /** Features and planes of all slices, unpruned: [plane][row][column]. */
  private static float[][][] unpruned() {
    try (PrunedVolume v = encode(PruningPolicy.OFF)) {
      List<float[][]> all = new ArrayList<>();
      all.add(rows(v.tokens().features()));
      v.tokens().planes().forEach(p -> all.add(rows(p)));
      return all.toArray(float[][][]::new);
    }
  }

  private static float[][] rows(Tensor matrix) {
    float[] values = Values.of(matrix);
    int columns = (int) matrix.size(1);
    float[][] rows = new float[values.length / columns][];
    for (int r = 0; r < rows.length; r++) {
      rows[r] = Arrays.copyOfRange(values, r * columns, (r + 1) * columns);
    }
    return rows;
  }

  /**
   * B11: a merged token's DeepStack rows go where its feature goes. Either way a kept nucleus token
   * stays as it is.
   */
  @ParameterizedTest
  @EnumSource
  void b11PlanesAreMergedWithTheFeaturesAssignment(DeepStack deepStack) {
    PruningPolicy policy =
        PruningPolicy.PAPER.toBuilder().tau(0.4).contextualRatio(0.15).deepStack(deepStack).build();
    float[][][] full = unpruned();
    try (PrunedVolume v = encode(policy)) {
      int n = v.selection().tokensPerSlice();
      assertEquals(20, n);
      float[][][] packed = new float[3][][];
      packed[0] = rows(v.tokens().features());
      for (int plane = 0; plane < 2; plane++) {
        packed[1 + plane] = rows(v.tokens().planes().get(plane));
      }
      int row = 0;
      int changed = 0;
      for (SliceReport s : v.report().slices()) {
        if (!s.kept()) {
          continue;
        }
        byte[] role = Objects.requireNonNull(s.detail()).role();
        for (int t = 0; t < n; t++) {
          if (role[t] == ContextualMerge.ROLE_MERGED) {
            continue;
          }
          int[] members = members(s, t, n);
          changed += members.length;
          for (int plane = 0; plane < 3; plane++) {
            boolean merged = plane == 0 || deepStack == DeepStack.MERGED;
            float[] expected =
                merged(
                    full[plane], s.index() * n + t, s.index() * n, merged ? members : new int[0]);
            assertArrayEquals(
                expected, packed[plane][row], 2e-6f, "plane " + plane + " row " + row);
          }
          row++;
        }
      }
      assertEquals(packed[0].length, row);
      assertTrue(changed > n, "hardly anything was merged");
    }
  }

  /** Tokens of a slice that were merged into one of its tokens. */
  private static int[] members(SliceReport s, int target, int n) {
    int[] assignment = Objects.requireNonNull(s.detail()).assignment();
    return IntStream.range(0, n).filter(t -> t != target && assignment[t] == target).toArray();
  }

  private static float[] merged(float[][] full, int row, int first, int[] members) {
    float[] out = full[row].clone();
    for (int c = 0; c < out.length; c++) {
      double sum = 0;
      for (int m : members) {
        sum += full[first + m][c];
      }
      out[c] += members.length == 0 ? 0 : (float) (sum / members.length);
    }
    return out;
  }

  /** B1: a dropped slice never reaches the encoder, and the kept ones look the same. */
  @Test
  void b1OnlyKeptSlicesAreEncoded() {
    List<Integer> encoded = new ArrayList<>();
    float[][][] full = unpruned();
    PruningPolicy policy = PruningPolicy.PAPER.toBuilder().tokenPruning(false).build();
    try (PixelSource pixels = pixels(IMAGES, Resizing.MODEL)) {
      VisionEncoder vision = family.vision(pixels);
      VisionEncoder counting =
          slices -> {
            Arrays.stream(slices).forEach(encoded::add);
            return vision.encode(slices);
          };
      try (PrunedVolume v =
          pipeline.encode(pixels, counting, IMAGES.info(), 2, 0, policy, Progress.NONE)) {
        assertEquals(List.of(0, 3, 6), encoded);
        int n = v.selection().tokensPerSlice();
        float[][] left = rows(v.tokens().planes().getFirst());
        for (int r = 0; r < left.length; r++) {
          assertArrayEquals(full[1][encoded.get(r / n) * n + r % n], left[r], 1e-5f);
        }
      }
    }
  }

  @Test
  void positionsAreGatheredAndDecodingContinuesBehindTheUnprunedPrompt() {
    try (PrunedVolume v = encode(PruningPolicy.PAPER.withTau(0.4))) {
      Prompt prompt = prompt(v);
      var full = family.positions(prompt, v.grid());
      PrunedPrompt pruned = pipeline.prune(prompt, v);
      assertTrue(pruned.length() < prompt.length() / 2);
      for (int axis = 0; axis < 3; axis++) {
        long[] expected = full.axes()[axis];
        assertArrayEquals(
            Arrays.stream(pruned.origin()).mapToLong(t -> expected[t]).toArray(),
            pruned.positions()[axis]);
      }
      assertEquals(full.next(), pruned.nextPosition());
    }
    PruningPolicy renumbered =
        PruningPolicy.PAPER.toBuilder().tau(0.4).positions(Positions.RENUMBERED).build();
    try (PrunedVolume v = encode(renumbered)) {
      PrunedPrompt pruned = pipeline.prune(prompt(v), v);
      for (long[] axis : pruned.positions()) {
        assertArrayEquals(LongStream.range(0, pruned.length()).toArray(), axis);
      }
      assertEquals(pruned.length(), pruned.nextPosition());
    }
  }

  /** A picture of 5 x 4 tokens after three of text. */
  @Test
  void positionsOfAPicture() {
    try (PrunedVolume v = encode(PruningPolicy.OFF)) {
      assertEquals(5, v.grid().tokenRows());
      assertEquals(4, v.grid().tokenColumns());
      int[] ids = new int[3 + 20 + 2];
      int[] slice = new int[ids.length];
      boolean[] image = new boolean[ids.length];
      Arrays.fill(image, 3, 23, true);
      var p = family.positions(new Prompt(ids, slice, image), v.grid());
      assertArrayEquals(new long[] {0, 1, 2, 3, 3, 3, 3, 3}, Arrays.copyOf(p.axes()[0], 8));
      assertArrayEquals(new long[] {0, 1, 2, 3, 3, 3, 3, 4}, Arrays.copyOf(p.axes()[1], 8));
      assertArrayEquals(new long[] {0, 1, 2, 3, 4, 5, 6, 3}, Arrays.copyOf(p.axes()[2], 8));
      for (long[] axis : p.axes()) {
        assertArrayEquals(new long[] {8, 9}, Arrays.copyOfRange(axis, 23, 25));
      }
      assertEquals(10, p.next());
    }
  }

  /** B4: nothing of a pruned request reaches the next one. */
  @Test
  void b4RequestsDoNotSeeEachOther() {
    Generation fresh = generate(PruningPolicy.OFF);
    Generation pruned = generate(PruningPolicy.PAPER.withTau(0.3));
    assertNotEquals(fresh.promptTokens(), pruned.promptTokens());
    assertEquals(fresh.tokenIds(), generate(PruningPolicy.OFF).tokenIds());
    assertEquals(pruned.tokenIds(), generate(PruningPolicy.PAPER.withTau(0.3)).tokenIds());
  }

  private static Generation generate(PruningPolicy policy) {
    try (PrunedVolume v = encode(policy)) {
      return pipeline.generate(v, prompt(v), 6, false, Progress.NONE);
    }
  }

  /** The released code resizes to multiples of 28 first, whatever the area may be in the end. */
  @Test
  void referenceResizesTwice() {
    SliceImages images = TinyQwen.pictures(2, 300, 200);
    float[] twice = patches(images, Resizing.REFERENCE);
    assertArrayEquals(
        patches(PillowResize.resize(images, 308, 196, Filter.BICUBIC), Resizing.MODEL), twice);
    assertFalse(Arrays.equals(twice, patches(images, Resizing.MODEL)));
  }

  private static PixelSource pixels(SliceImages images, Resizing resizing) {
    return family.pixels(List.of(images), family.preparation(images, resizing), Progress.NONE);
  }

  private static float[] patches(SliceImages images, Resizing resizing) {
    try (PointerScope scope = new PointerScope();
        PixelSource pixels = pixels(images, resizing)) {
      assertEquals(new SliceGrid(14, 16, 10, 8, 5), pixels.grid());
      return Values.of(pixels.pictures(new int[] {0, 1}));
    }
  }

  /** Batches of one slice and of all give the same tokens. */
  @Test
  void batchesDoNotMatter() {
    try (PixelSource pixels = pixels(IMAGES, Resizing.MODEL);
        PointerScope scope = new PointerScope()) {
      VisionEncoder vision = family.vision(pixels);
      VisionEncoder.Tokens both = vision.encode(new int[] {2, 5});
      VisionEncoder.Tokens one = vision.encode(new int[] {5});
      assertArrayEquals(
          Values.of(both.features().select(0, 1)), Values.of(one.features().select(0, 0)), 1e-5f);
      assertArrayEquals(
          Values.of(both.key().select(0, 1)), Values.of(one.key().select(0, 0)), 1e-5f);
    }
  }
}
