package org.medpruner.vlm.qwen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.InputException;
import org.medpruner.vlm.engine.SmartResize.Size;
import org.medpruner.vlm.nn.PatchGrid;

class QwenPreprocessorTest {
  /** What a file must say of the pixels. */
  private static final String PIXELS = "\"image_mean\": 0.5, \"image_std\": 0.5, ";

  @TempDir Path folder;

  /** An empty configuration: the published models' numbers. */
  private QwenPreprocessor published() throws Exception {
    Files.writeString(
        folder.resolve("config.json"),
        "{\"vision_config\": {\"out_hidden_size\": 4096}, \"text_config\": {\"rope_theta\": 1e6}}");
    return QwenPreprocessor.read(folder, QwenConfig.read(folder).vision());
  }

  /** What the model's own processor makes of three sizes, and how many tokens that is. */
  @ParameterizedTest
  @CsvSource({"256, 256, 256, 256, 64", "512, 512, 512, 512, 256", "217, 181, 288, 256, 72"})
  void clean(int height, int width, int high, int wide, int tokens) throws Exception {
    Size size = published().size().of(height, width);
    assertEquals(new Size(high, wide), size);
    assertEquals(tokens, PatchGrid.of(size.height(), size.width(), 16, 2).blocks());
  }

  /** What the released code makes of them on the way: sides of 28 first. */
  @ParameterizedTest
  @CsvSource({
    "512, 512, 504, 504, 512, 512",
    "256, 256, 252, 252, 256, 256",
    "217, 181, 224, 168, 320, 224",
    "128, 128, 140, 140, 256, 256",
  })
  void reference(int height, int width, int firstHigh, int firstWide, int high, int wide)
      throws Exception {
    Size first = QwenPreprocessor.FIRST.of(height, width);
    assertEquals(new Size(firstHigh, firstWide), first);
    assertEquals(new Size(high, wide), published().size().of(first.height(), first.width()));
  }

  @Test
  void bothSpellingsOfTheBounds() throws Exception {
    QwenPreprocessor published = published();
    Path file = folder.resolve("preprocessor_config.json");
    Files.writeString(file, "{" + PIXELS + "\"min_pixels\": 65536, \"max_pixels\": 16777216}");
    assertEquals(published.size(), published().size());
    Files.writeString(
        file, "{" + PIXELS + "\"size\": {\"shortest_edge\": 70000, \"longest_edge\": 80000}}");
    assertEquals(70_000, published().size().minPixels());
    assertEquals(80_000, published().size().maxPixels());
  }

  /** transformers 5 saves the bounds inside processor_config.json, and looks there first. */
  @Test
  void boundsInsideTheProcessorsFile() throws Exception {
    Files.writeString(
        folder.resolve("preprocessor_config.json"), "{\"min_pixels\": 4, \"max_pixels\": 8}");
    Files.writeString(
        folder.resolve("processor_config.json"),
        "{\"image_processor\": {"
            + PIXELS
            + "\"size\": {\"shortest_edge\": 70000, \"longest_edge\": 80000}}}");
    assertEquals(70_000, published().size().minPixels());
    assertEquals(80_000, published().size().maxPixels());
  }

  /** transformers fills such a file up with Qwen2-VL's values, and refuses another form of size. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | size.shortest_edge is missing",
        "{PIXELS \"size\": {\"height\": 64, \"width\": 64}} | size.shortest_edge is missing",
        "{PIXELS \"size\": {\"min_pixels\": 4, \"max_pixels\": 8}} | size.shortest_edge is missing",
        "{PIXELS \"size\": {\"shortest_edge\": 4}} | size.longest_edge is missing",
        "{\"image_std\": 0.5, \"min_pixels\": 4, \"max_pixels\": 8} | image_mean is missing",
        "{\"image_mean\": 0.5, \"min_pixels\": 4, \"max_pixels\": 8} | image_std is missing",
        "{PIXELS \"do_resize\": null, \"min_pixels\": 4, \"max_pixels\": 8} | do_resize",
      })
  void aFileThatLeavesValuesOutIsRefused(String json, String named) throws Exception {
    Path file = folder.resolve("preprocessor_config.json");
    Files.writeString(file, json.replace("PIXELS", PIXELS));
    InputException e = assertThrows(InputException.class, this::published);
    String message = String.valueOf(e.getMessage());
    assertTrue(message.startsWith(file + ": " + named), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void withoutNormalisationThereIsNoMeanToMiss() throws Exception {
    Files.writeString(
        folder.resolve("preprocessor_config.json"),
        "{\"do_normalize\": false, \"min_pixels\": 4, \"max_pixels\": 8}");
    assertArrayEquals(new double[3], published().values().mean());
  }
}
