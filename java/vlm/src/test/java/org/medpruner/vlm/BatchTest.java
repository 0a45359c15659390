package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.InputException;
import org.medpruner.PolicyBuilder;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.vlm.fixtures.CompletedCheckpoint;
import org.medpruner.vlm.golden.GoldenFolder;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/** Several volumes in one call are what each of them is alone. */
class BatchTest {
  /** One slice at a time: no product sees two volumes. */
  private static final LoadOptions APART = new LoadOptions(false, 1);

  /** All slices of a size at once. */
  private static final LoadOptions TOGETHER = new LoadOptions(false, 1L << 30);

  @TempDir Path folder;

  private VisionLanguageModel tiny(Family family, LoadOptions options) throws IOException {
    return VisionLanguageModel.load(family.tiny(folder.resolve("model")), options, Progress.NONE);
  }

  /** Noise; a picture with an odd number differs from the one before by one grey level. */
  private static SliceImages images(int seed, int count, int height, int width, double spacing) {
    SplittableRandom random = new SplittableRandom(seed);
    List<byte[]> pixels = new ArrayList<>();
    List<SliceInfo> info = new ArrayList<>();
    for (int s = 0; s < count; s++) {
      byte[] picture = new byte[3 * height * width];
      for (int i = 0; i < picture.length; i++) {
        picture[i] = s % 2 == 0 ? (byte) random.nextInt(255) : (byte) (pixels.getLast()[i] + 1);
      }
      pixels.add(picture);
      info.add(new SliceInfo(s, s, spacing * s));
    }
    return new SliceImages(height, width, pixels, info, spacing, "noise " + seed);
  }

  /**
   * Ragged in every way; the first, third and last have one size, the second and fourth another.
   */
  private static List<SliceImages> volumes() {
    return List.of(
        images(1, 5, 84, 84, 5),
        images(2, 1, 112, 70, 1),
        images(3, 8, 84, 84, 2.5),
        images(4, 3, 112, 70, 2),
        images(5, 2, 84, 84, 5));
  }

  private static List<PruningPolicy> policies() {
    List<PruningPolicy> policies = new ArrayList<>();
    PruningPolicy.presetNames().forEach(name -> policies.add(PruningPolicy.preset(name)));
    // A bound that is another number of slices in each volume, the guard for small findings, and
    // floors and caps that are each volume's own.
    policies.add(PruningPolicy.PAPER.toBuilder().gamma(3).maxGapMm(5).build());
    policies.add(PruningPolicy.PAPER.toBuilder().gamma(3).patchGamma(0.4).build());
    policies.add(PruningPolicy.PAPER.toBuilder().volumeMinTokens(9).volumeMaxTokens(11).build());
    policies.add(
        PruningPolicy.REFERENCE.toBuilder().volumeMinTokens(9).volumeMaxTokens(11).build());
    policies.add(PruningPolicy.PAPER.toBuilder().tokenPruning(false).build());
    return policies;
  }

  /** Encodes together and one by one, compares, and asks all of them two questions. */
  private static void check(
      VisionLanguageModel model,
      List<SliceImages> volumes,
      PruningPolicy policy,
      double tolerance,
      int newTokens) {
    GenerationOptions options = new GenerationOptions(newTokens, PromptLayout.REFERENCE);
    List<EncodedVolume> together = model.encodeAll(volumes, policy, Progress.NONE);
    try {
      List<Request> requests = new ArrayList<>();
      for (EncodedVolume v : together) {
        requests.add(new Request(v, "Where is it?", options));
        requests.add(new Request(v, "How many?", options));
      }
      List<Reply> replies = model.askAll(requests, Progress.NONE);
      for (int i = 0; i < volumes.size(); i++) {
        String at = policy.name() + ", volume " + i;
        try (EncodedVolume alone = model.encode(volumes.get(i), policy, Progress.NONE)) {
          SameVolume.check(at, alone, together.get(i), tolerance);
          for (int q = 0; q < 2; q++) {
            Answer expected = model.ask(alone, requests.get(q).question(), options, Progress.NONE);
            Answer answer = replies.get(2 * i + q).orThrow();
            assertEquals(expected.tokenIds(), answer.tokenIds(), at);
            assertEquals(expected.text(), answer.text(), at);
            assertEquals(expected.promptTokens(), answer.promptTokens(), at);
            assertEquals(expected.unprunedPromptTokens(), answer.unprunedPromptTokens(), at);
            assertEquals(expected.report().savings(), answer.report().savings(), at);
          }
        }
      }
    } finally {
      together.forEach(EncodedVolume::close);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void raggedVolumesAreTheSameBitsWhereNoProductSpansThem(Family family) throws IOException {
    try (VisionLanguageModel model = tiny(family, APART)) {
      for (PruningPolicy policy : policies()) {
        check(model, volumes(), policy, 0, 2);
      }
    }
  }

  /** What the language model does not get uses up no allowance. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void boundsOfAVolumeAreOfItsKeptSlicesWhateverTheEncoderSees(Family family) throws IOException {
    try (VisionLanguageModel model = tiny(family, APART)) {
      for (PruningPolicy free :
          List.of(PruningPolicy.PAPER.withTau(0.3), PruningPolicy.REFERENCE)) {
        for (long[] bounds : new long[][] {{40, 0}, {0, 7}, {9, 11}}) {
          PruningPolicy policy =
              free.toBuilder().volumeMinTokens(bounds[0]).volumeMaxTokens(bounds[1]).build();
          checkBounds(model, volumes().getFirst(), free, policy);
          checkBounds(model, volumes().get(3), free, policy);
        }
      }
    }
  }

  /** Kept slices are as if nothing else had been encoded, dropped ones as if there was no bound. */
  private static void checkBounds(
      VisionLanguageModel model, SliceImages images, PruningPolicy free, PruningPolicy policy) {
    PolicyBuilder b = policy.toBuilder().droppedSlice(PruningPolicy.DroppedSlice.NOTHING);
    PruningPolicy keptOnly = b.encoderScope(PruningPolicy.EncoderScope.KEPT_SLICES).build();
    PruningPolicy all = b.encoderScope(PruningPolicy.EncoderScope.ALL_SLICES).build();
    try (EncodedVolume expected = model.encode(images, keptOnly, Progress.NONE);
        EncodedVolume seen = model.encode(images, all, Progress.NONE);
        EncodedVolume bounded = model.encode(images, policy, Progress.NONE);
        EncodedVolume unbounded = model.encode(images, free, Progress.NONE)) {
      SameVolume.checkLeft(policy + " " + images.recipe(), expected, seen);
      for (int s = 0; s < images.count(); s++) {
        SliceReport slice = bounded.report().slices().get(s);
        if (slice.kept()) {
          assertEquals(expected.report().slices().get(s).nucleus(), slice.nucleus());
          assertEquals(expected.report().slices().get(s).tokens(), slice.tokens());
        } else {
          assertEquals(unbounded.report().slices().get(s).nucleus(), slice.nucleus());
          assertEquals(unbounded.report().slices().get(s).tokens(), slice.tokens());
        }
      }
    }
  }

  /** LibTorch may round a row of a product differently when the product has more rows. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void encoderBatchesThatSpanVolumesChangeOnlyRounding(Family family) throws IOException {
    try (VisionLanguageModel model = tiny(family, TOGETHER)) {
      for (PruningPolicy policy : policies()) {
        check(model, volumes(), policy, 2e-5, 2);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theEncoderRunsAcrossVolumesOfASize(Family family) throws IOException {
    List<Long> encoded = new ArrayList<>();
    Progress progress =
        (stage, done, total) -> {
          if (stage.equals("encode")) {
            assertEquals(12, total);
            encoded.add(done);
          }
        };
    List<SliceImages> volumes =
        IntStream.range(0, 4).mapToObj(v -> images(v, 3, 84, 84, 5)).toList();
    try (VisionLanguageModel model = tiny(family, TOGETHER)) {
      model.encodeAll(volumes, PruningPolicy.OFF, progress).forEach(EncodedVolume::close);
    }
    assertEquals(List.of(0L, 12L), encoded);
  }

  /** The allowance of tokens is shared by the slices of a volume, not by those of a batch. */
  @Test
  void hulusAllowanceIsPerVolume() throws IOException {
    try (VisionLanguageModel model = tiny(Family.HULU, TOGETHER)) {
      List<SliceImages> same =
          List.of(images(1, 4, 280, 210, 5), images(2, 4, 280, 210, 5), images(3, 8, 280, 210, 5));
      List<EncodedVolume> volumes = model.encodeAll(same, PruningPolicy.OFF, Progress.NONE);
      // 200 tokens: 50 for each of four slices, of which 8 x 6 blocks are used.
      assertEquals(
          List.of(48, 48, 20), volumes.stream().map(v -> v.report().tokensPerSlice()).toList());
      volumes.forEach(EncodedVolume::close);
    }
  }

  private static String refusal(Class<? extends RuntimeException> type, Executable call) {
    return String.valueOf(assertThrows(type, call).getMessage());
  }

  @Test
  void aBadVolumeIsNamedBeforeAnyWork() throws IOException {
    Progress none =
        (stage, done, total) -> {
          throw new AssertionError(stage + " began");
        };
    SliceImages good = images(1, 2, 84, 84, 5);
    SliceImages empty = new SliceImages(84, 84, List.of(), List.of(), 5, "none");
    SliceImages strip = images(1, 1, 2, 1000, 5);
    SliceImages unknown = images(1, 2, 84, 84, Double.NaN);
    try (VisionLanguageModel model = tiny(Family.QWEN, TOGETHER)) {
      String message =
          refusal(
              IllegalArgumentException.class,
              () -> model.encodeAll(List.of(good, empty), PruningPolicy.OFF, none));
      assertEquals("volumes[1]: slices: there are none", message);
      message =
          refusal(
              InputException.class,
              () -> model.encodeAll(List.of(good, good, strip), PruningPolicy.OFF, none));
      assertTrue(message.startsWith("volumes[2]: ") && message.contains("1000"), message);
      PruningPolicy mm = PruningPolicy.PAPER.toBuilder().maxGapMm(5).build();
      message =
          refusal(
              IllegalArgumentException.class,
              () -> model.encodeAll(List.of(unknown, good), mm, none));
      assertTrue(message.startsWith("volumes[0]: maxGapMm"), message);
      assertThrows(IllegalArgumentException.class, () -> model.check(unknown, mm));
      assertThrows(InputException.class, () -> model.check(strip, PruningPolicy.OFF));
      model.check(good, mm);
      assertEquals(List.of(), model.encodeAll(List.of(), mm, none));
    }
  }

  @Test
  void oneRequestThatFailsLeavesTheOthersTheirAnswers() throws IOException {
    GenerationOptions options = new GenerationOptions(2, PromptLayout.REFERENCE);
    try (VisionLanguageModel model = tiny(Family.HULU, TOGETHER);
        EncodedVolume volume =
            model.encode(images(1, 2, 84, 84, 5), PruningPolicy.OFF, Progress.NONE)) {
      List<Reply> replies =
          model.askAll(
              List.of(
                  new Request(volume, "Where?", options),
                  new Request(volume, "x".repeat(2000), options),
                  new Request(volume, "Where?", options)),
              Progress.NONE);
      assertEquals(replies.getFirst().orThrow().tokenIds(), replies.getLast().orThrow().tokenIds());
      Reply.Failed failed = assertInstanceOf(Reply.Failed.class, replies.get(1));
      assertInstanceOf(InputException.class, failed.cause());
      assertTrue(String.valueOf(failed.cause().getMessage()).contains("context"));
      assertThrows(InputException.class, () -> replies.get(1).orThrow());

      Thread.currentThread().interrupt();
      List<Reply> cut =
          model.askAll(List.of(new Request(volume, "Where?", options)), Progress.NONE);
      assertTrue(Thread.interrupted());
      assertInstanceOf(Reply.Failed.class, cut.getFirst());

      try (VisionLanguageModel other =
          VisionLanguageModel.load(folder.resolve("model"), TOGETHER, Progress.NONE)) {
        String message =
            refusal(
                IllegalArgumentException.class,
                () -> other.askAll(List.of(new Request(volume, "?", options)), Progress.NONE));
        assertTrue(message.startsWith("requests[0]: "), message);
      }
    }
  }

  @Test
  void aBlankQuestionIsNoRequest() throws IOException {
    GenerationOptions options = new GenerationOptions(2, PromptLayout.REFERENCE);
    try (VisionLanguageModel model = tiny(Family.HULU, TOGETHER);
        EncodedVolume volume =
            model.encode(images(1, 2, 84, 84, 5), PruningPolicy.OFF, Progress.NONE)) {
      for (String blank : List.of("", " ", "\n\t")) {
        assertEquals(
            "question: it is blank, but it must have a character",
            refusal(IllegalArgumentException.class, () -> new Request(volume, blank, options)));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void goldenCheckpoints(Family family) throws IOException {
    Path golden = GoldenFolder.require(family.golden + "/model.safetensors").resolve(family.golden);
    try (VisionLanguageModel model =
        VisionLanguageModel.load(
            CompletedCheckpoint.write(golden, folder.resolve("golden")), TOGETHER, Progress.NONE)) {
      List<SliceImages> volumes =
          List.of(images(1, 2, 140, 112, 5), images(2, 1, 112, 84, 1), images(3, 1, 140, 112, 5));
      for (String preset : PruningPolicy.presetNames()) {
        check(model, volumes, PruningPolicy.preset(preset), 2e-5, 2);
      }
    }
  }
}
