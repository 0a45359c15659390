package org.medpruner.vlm.hulu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.Resizing;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.engine.Pipeline;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.fixtures.TinyHulu;
import org.medpruner.vlm.golden.Values;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.PillowResize;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/** Hulu-Med from pictures to text on tiny checkpoints: what is pruned, and misuse. */
class HuluPipelineTest {
  private static final int HEIGHT = 280;
  private static final int WIDTH = 210;

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    TinyHulu.write(folder);
  }

  /** Pictures of noise; one with an odd number differs from the one before by one grey level. */
  private static SliceImages images(int count) {
    List<byte[]> pixels = new ArrayList<>();
    List<SliceInfo> info = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(7);
    for (int s = 0; s < count; s++) {
      byte[] picture = new byte[3 * HEIGHT * WIDTH];
      for (int i = 0; i < picture.length; i++) {
        picture[i] = s % 2 == 0 ? (byte) random.nextInt(255) : (byte) (pixels.getLast()[i] + 1);
      }
      pixels.add(picture);
      info.add(new SliceInfo(s, s, 5.0 * s));
    }
    return new SliceImages(HEIGHT, WIDTH, pixels, info, 5, "noise");
  }

  private Pipeline pipeline() {
    return new Pipeline(
        HuluFamily.load(folder, LoadOptions.DEFAULT, Progress.NONE), LoadOptions.DEFAULT);
  }

  private VisionLanguageModel model() {
    return VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
  }

  private static List<Boolean> kept(PruningReport report) {
    return report.slices().stream().map(SliceReport::kept).toList();
  }

  /** The released code prunes slices from six on only; here any number is. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7})
  void pruningWorksFromOneSliceUp(int count) {
    try (VisionLanguageModel model = model()) {
      for (String preset : PruningPolicy.presetNames()) {
        PruningPolicy policy = PruningPolicy.preset(preset);
        try (EncodedVolume v = model.encode(images(count), policy, Progress.NONE)) {
          boolean off = !policy.sliceAnchoring();
          assertEquals(
              IntStream.range(0, count).mapToObj(s -> off || s % 2 == 0).toList(),
              kept(v.report()),
              preset);
          Answer a = model.ask(v, "How many?", GenerationOptions.DEFAULT, Progress.NONE);
          assertTrue(!a.tokenIds().isEmpty() && a.tokenIds().size() <= 8, preset);
          boolean whole = preset.equals("off");
          assertEquals(whole, a.promptTokens() == a.unprunedPromptTokens(), preset);
          assertEquals(1, v.report().policy().temperature());
        }
      }
    }
  }

  /**
   * One allowance of 200 tokens for all slices, at least 16 for each; the grid is the picture's.
   */
  @ParameterizedTest
  @CsvSource({"1, 10, 8", "4, 8, 6", "5, 7, 5", "6, 6, 4", "8, 5, 4", "12, 5, 4"})
  void slicesShareTheAllowanceOfTokens(int count, int rows, int columns) {
    assertGrid(count, PruningPolicy.PAPER, rows, columns);
  }

  /** The released code reads the sides of pictures the wrong way round; so does the preset. */
  @Test
  void theReferencePresetExchangesTheSides() {
    assertGrid(4, PruningPolicy.REFERENCE, 6, 8);
    assertGrid(4, PruningPolicy.REFERENCE.toBuilder().resizing(Resizing.MODEL).build(), 8, 6);
  }

  private void assertGrid(int count, PruningPolicy policy, int rows, int columns) {
    try (VisionLanguageModel model = model();
        EncodedVolume v = model.encode(images(count), policy, Progress.NONE)) {
      assertEquals(rows * columns, v.report().tokensPerSlice());
      PruningReport.TokenDetail detail =
          Objects.requireNonNull(v.report().slices().getFirst().detail());
      assertEquals(rows, detail.gridHeight());
      assertEquals(columns, detail.gridWidth());
    }
  }

  /** B22: the released code writes into its caller's grid, so a second call on it fails. */
  @Test
  void b22NothingOfTheCallersIsChanged() {
    SliceImages images = images(4);
    List<byte[]> before = images.pixels().stream().map(byte[]::clone).toList();
    try (Pipeline p = pipeline();
        Arena arena = Arena.ofConfined()) {
      MemorySegment pixels = normalised(arena, images, 224, 168);
      MemorySegment copy = arena.allocate(pixels.byteSize(), 64).copyFrom(pixels);
      PruningPolicy reference =
          PruningPolicy.REFERENCE.toBuilder().resizing(Resizing.MODEL).build();
      for (PruningPolicy policy : List.of(reference, PruningPolicy.PAPER)) {
        Prompt prompt = prompt(4, 48);
        List<Integer> first;
        try (EncodedVolume v = p.encode(pixels, 4, 224, 168, 5, policy, Progress.NONE)) {
          first = p.generate(v, prompt, 5, false, Progress.NONE).tokenIds();
        }
        try (EncodedVolume v = p.encode(images, policy, Progress.NONE)) {
          assertEquals(first, p.generate(v, prompt, 5, false, Progress.NONE).tokenIds());
          assertEquals(first, p.generate(v, prompt, 5, false, Progress.NONE).tokenIds());
        }
        assertArrayEquals(prompt(4, 48).ids(), prompt.ids());
        assertArrayEquals(prompt(4, 48).slice(), prompt.slice());
        assertArrayEquals(prompt(4, 48).image(), prompt.image());
      }
      assertEquals(-1, pixels.mismatch(copy));
    }
    for (int s = 0; s < before.size(); s++) {
      assertArrayEquals(before.get(s), images.pixels().get(s));
    }
  }

  /** Resized as Pillow does, then (u / 255 - 0.5) / 0.5, planes apart. */
  private static MemorySegment normalised(Arena arena, SliceImages images, int height, int width) {
    SliceImages resized = PillowResize.resize(images, height, width, PillowResize.Filter.BICUBIC);
    MemorySegment out = arena.allocate(12L * images.count() * height * width, 64);
    long at = 0;
    for (byte[] picture : resized.pixels()) {
      for (int c = 0; c < 3; c++) {
        for (int i = 0; i < height * width; i++) {
          float u = picture[3 * i + c] & 0xff;
          out.setAtIndex(ValueLayout.JAVA_FLOAT, at++, (u - 127.5f) / 127.5f);
        }
      }
    }
    return out;
  }

  private static Prompt prompt(int slices, int tokens) {
    int[] ids = new int[2 + slices * tokens];
    int[] slice = new int[ids.length];
    boolean[] image = new boolean[ids.length];
    for (int t = 0; t < ids.length; t++) {
      image[t] = t > 0 && t < ids.length - 1;
      ids[t] = image[t] ? TinyHulu.IMAGE : 65;
      slice[t] = image[t] ? (t - 1) / tokens : -1;
    }
    return new Prompt(ids, slice, image);
  }

  @Test
  void pixelsThatAreNormalisedAlreadyGiveTheSameTokens() {
    SliceImages images = images(4);
    PruningPolicy policy = PruningPolicy.NUCLEUS.withTau(0.5);
    try (Pipeline p = pipeline();
        Arena arena = Arena.ofConfined();
        PrunedVolume a = p.encode(images, policy, Progress.NONE);
        PrunedVolume b =
            (PrunedVolume)
                p.encode(
                    normalised(arena, images, 224, 168), 4, 224, 168, 5, policy, Progress.NONE)) {
      assertArrayEquals(a.selection().token(), b.selection().token());
      float[] features = Values.of(a.tokens().features());
      double[] expected = new double[features.length];
      for (int i = 0; i < expected.length; i++) {
        expected[i] = features[i];
      }
      Values.assertClose("features", expected, Values.of(b.tokens().features()), 1e-5);
    }
  }

  @Test
  void picturesThatDoNotFillTheBlocksAreRefused() {
    try (Pipeline p = pipeline();
        Arena arena = Arena.ofConfined()) {
      MemorySegment pixels = arena.allocate(12L * 140 * 100, 64);
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> p.encode(pixels, 1, 140, 100, 5, PruningPolicy.OFF, Progress.NONE).close());
      assertTrue(String.valueOf(e.getMessage()).contains("multiples of 28"), e.getMessage());
    }
  }

  /** Nothing of a pruned request reaches the next one, and batches do not change results. */
  @Test
  void answersRepeatWhateverWasAskedBefore() {
    GenerationOptions options = GenerationOptions.DEFAULT;
    try (VisionLanguageModel all = model();
        VisionLanguageModel single =
            VisionLanguageModel.load(folder, new LoadOptions(false, 1), Progress.NONE);
        EncodedVolume a = all.encode(images(5), PruningPolicy.PAPER, Progress.NONE);
        EncodedVolume b = single.encode(images(5), PruningPolicy.PAPER, Progress.NONE)) {
      Answer first = all.ask(a, "How many?", options, Progress.NONE);
      all.ask(a, "A longer question than the first?", options, Progress.NONE);
      assertEquals(first.tokenIds(), all.ask(a, "How many?", options, Progress.NONE).tokenIds());
      assertEquals(first.tokenIds(), single.ask(b, "How many?", options, Progress.NONE).tokenIds());
    }
  }

  @Test
  void qwen3DecodersRunToo() throws IOException {
    List<Integer> qwen2 = answer();
    TinyHulu.writeQwen3(folder);
    assertNotEquals(qwen2, answer());
    try (VisionLanguageModel model = model()) {
      assertEquals(HuluConfig.QWEN3, model.info().family());
    }
  }

  private List<Integer> answer() {
    try (VisionLanguageModel model = model();
        EncodedVolume v = model.encode(images(3), PruningPolicy.PAPER, Progress.NONE)) {
      return model.ask(v, "Why?", GenerationOptions.DEFAULT, Progress.NONE).tokenIds();
    }
  }

  @Test
  void aThinkingBlockIsNotPartOfTheAnswer() {
    try (HuluChat chat = HuluChat.load(folder)) {
      int open = TinyHulu.THINK;
      int close = TinyHulu.END_OF_THINK;
      List<Integer> ids = List.of(open, 72, 77, close, 32, 65, 32, 66, TinyHulu.IM_END);
      assertEquals("A B", chat.visible(chat.decode(ids)));
      assertEquals("A", chat.visible(chat.decode(List.of(65))));
    }
  }

  @Test
  void filesThatDoNotFitAreNamed() throws IOException {
    TinyHulu.write(
        folder,
        c -> c.replace("\"image_token_index\": -1", "\"image_token_index\": 5"),
        name -> name);
    refused("config.json says image token 5, tokenizer.json 259");
    TinyHulu.write(
        folder,
        c -> c.replace("\"image_token_index\": -1", "\"image_token_index\": 259"),
        name -> name.equals("model.mm_projector.readout.2.bias") ? "" : name);
    refused("model.mm_projector.readout.2.bias is missing");
    Files.delete(folder.resolve("tokenizer.json"));
    refused("tokenizer.json is missing");
  }

  private void refused(String message) {
    InputException e = assertThrows(InputException.class, () -> model().close());
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
  }

  @Test
  void ofNoNumberOfTokensTheModelSpeaksBeforeItKnowsTheVolume() {
    try (TokenModel p = pipeline()) {
      assertEquals(0, p.info().tokensPerSlice());
      assertEquals(0, p.info().imageSize());
      assertEquals(1024, p.info().contextLength());
    }
  }
}
