package org.medpruner.vlm.hulu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.InputException;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.engine.SmartResize;

class HuluProcessorTest {
  @TempDir Path folder;

  private HuluProcessor read(String json) throws IOException {
    Files.writeString(folder.resolve("preprocessor_config.json"), json);
    return HuluProcessor.read(folder, 14);
  }

  /** Sizes computed by the released Python function. */
  @ParameterizedTest
  @CsvSource({
    // The released table: 324, 169 and 81 tokens a frame.
    "512, 512, 32, 2, 504, 504",
    "512, 512, 85, 2, 364, 364",
    "512, 512, 180, 2, 252, 252",
    // Halves to even: 22.5 and 12.5 blocks are 22 and 12.
    "630, 350, 1, 2, 616, 336",
    "630, 350, 64, 2, 588, 308",
    // Below 16 tokens both sides grow, after shrinking too.
    "42, 70, 1, 2, 112, 168",
    "1, 1, 1, 2, 112, 112",
    "224, 280, 10, 2, 224, 280",
    "217, 181, 20, 2, 224, 168",
    "1000, 30, 1, 2, 1008, 28",
    "5000, 7, 100, 2, 2996, 28",
    "512, 512, 5, 1, 518, 518",
    "1024, 768, 3, 1, 1022, 770",
    "3000, 2000, 4, 2, 2184, 1456",
  })
  void target(int height, int width, int frames, int merge, int wantedHeight, int wantedWidth)
      throws IOException {
    HuluProcessor p = read("{}");
    assertEquals(
        new SmartResize.Size(wantedHeight, wantedWidth), p.target(height, width, frames, merge));
    // The released code reads the sides of PIL pictures the wrong way round.
    assertEquals(
        new SmartResize.Size(wantedHeight, wantedWidth),
        p.swappedTarget(width, height, frames, merge));
  }

  @ParameterizedTest
  @CsvSource({"32, 324, 10368", "85, 169, 14365", "180, 81, 14580"})
  void tokensPerFrame(int frames, int tokens, int total) throws IOException {
    SmartResize.Size size = read("{}").target(512, 512, frames, HuluFamily.VOLUME_MERGE);
    assertEquals(tokens, size.height() / 28 * (size.width() / 28));
    assertEquals(total, tokens * frames);
  }

  @Test
  void everyNumberComesFromTheFile() throws IOException {
    HuluProcessor p =
        read(
            "{\"image_mean\": [0.5, 0.25, 0.125], \"image_std\": 0.5, \"rescale_factor\": 0.01,"
                + " \"resample\": 2, \"min_tokens\": 4, \"max_tokens\": 64, \"patch_size\": 14}");
    PreprocessorConfig v = p.values();
    assertArrayEquals(new double[] {0.5, 0.25, 0.125}, v.mean());
    assertArrayEquals(new double[] {0.5, 0.5, 0.5}, v.std());
    assertEquals(0.01, v.rescale());
    assertEquals(2, v.resample());
    assertEquals(new SmartResize.Size(112, 112), p.target(512, 512, 4, 2));
    assertEquals(new SmartResize.Size(56, 56), p.target(10, 10, 4, 2));
  }

  @Test
  void insideTheProcessorsFile() throws IOException {
    Files.writeString(
        folder.resolve("processor_config.json"), "{\"image_processor\": {\"max_tokens\": 64}}");
    assertEquals(64, read("{\"max_tokens\": 32}").maxTokens());
  }

  /** Without the file the released class's own defaults hold. */
  @Test
  void defaultsAreTheReleasedClasses() {
    HuluProcessor p = HuluProcessor.read(folder, 14);
    PreprocessorConfig v = p.values();
    assertArrayEquals(new double[] {0.48145466, 0.4578275, 0.40821073}, v.mean());
    assertArrayEquals(new double[] {0.26862954, 0.26130258, 0.27577711}, v.std());
    assertEquals(3, v.resample());
    assertEquals(1 / 255.0, v.rescale());
    assertEquals(16, p.minTokens());
    assertEquals(16_384, p.maxTokens());
  }

  @ParameterizedTest
  @ValueSource(strings = {"false", "null"})
  void withoutNormalisationPixelsAreOnlyRescaled(String off) throws IOException {
    PreprocessorConfig v = read("{\"do_normalize\": " + off + "}").values();
    assertArrayEquals(new double[3], v.mean());
    assertArrayEquals(new double[] {1, 1, 1}, v.std());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"patch_size\": 16} | patch_size = 16, but config.json says 14",
        "{\"do_resize\": false} | do_resize is off",
        "{\"do_resize\": null} | do_resize is off",
        "{\"resample\": 1} | resample = 1",
        "{\"image_std\": [0.5, 0, 0.5]} | image_std must be > 0",
        "{\"image_mean\": [0.5, 0.5]} | a list of 3 numbers",
        "{\"min_tokens\": 20, \"max_tokens\": 10} | min_tokens = 20 is more than max_tokens = 10",
      })
  void badValuesAreNamed(String json, String message) {
    InputException e = assertThrows(InputException.class, () -> read(json));
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
    assertTrue(String.valueOf(e.getMessage()).contains("preprocessor_config.json"));
  }
}
