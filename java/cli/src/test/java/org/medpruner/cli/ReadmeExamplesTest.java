package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.medpruner.ContextualMerge;
import org.medpruner.GatherRows;
import org.medpruner.NucleusSelect;
import org.medpruner.PruningPolicy;
import org.medpruner.SliceAnchor;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volumes;

/** The README's examples are this code, and it runs. */
class ReadmeExamplesTest {
  private static final Path ROOT = Path.of(System.getenv("MEDPRUNER_ROOT"));

  @Test
  void theOpsExampleRuns() {
    int depth = 6;
    int n = 40;
    int hidden = 3;
    byte[] pixels = new byte[depth * 16];
    Arrays.fill(pixels, 3 * 16, pixels.length, (byte) 90);
    float[] mass = new float[n];
    Arrays.fill(mass, 0.5f);
    mass[7] = 20.5f;
    float[] keys = new float[n * 2];
    Arrays.fill(keys, 1f);
    float[] features = new float[n * hidden];
    Arrays.fill(features, 1f);

    // README ops
    var params =
        SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE); // gamma in [-1, 1] units
    int[] slices = SliceAnchor.apply(pixels, depth, params).keptIndices(); // u8, slice after slice

    var nucleus =
        NucleusSelect.apply(mass, NucleusSelect.Params.softmax(0.9, 2)); // one slice's masses
    var merged =
        ContextualMerge.apply(features, keys, nucleus.selected(), new ContextualMerge.Params(0.05));
    float[] tokens = GatherRows.apply(merged.merged(), hidden, merged.keptIndices());
    // README end

    assertEquals(List.of(0, 3), Arrays.stream(slices).boxed().toList());
    assertEquals(1, nucleus.keptIndices().length);
    assertEquals((1 + 2) * hidden, tokens.length);
  }

  @Test
  void theModelExampleRuns() {
    Path model = ROOT.resolve("models/demo");
    Path file = model.resolve("phantoms/phantom_01.nii.gz");
    String question = "Is there a lesion in the liver?";

    // README model
    try (var vlm = VisionLanguageModel.load(model, LoadOptions.DEFAULT, Progress.NONE)) {
      SliceImages slices = Volumes.read(file).slices().sample(85).images(Recipe.ctWindows());
      try (var volume = vlm.encode(slices, PruningPolicy.PAPER.withTau(0.8), Progress.NONE)) {
        Answer answer = vlm.ask(volume, question, GenerationOptions.DEFAULT, Progress.NONE);
        System.out.println(answer.text() + " from " + answer.report().rates().overall());
        // README end
        assertTrue(List.of("yes", "no").contains(answer.text()), answer.text());
        assertTrue(answer.promptTokens() < answer.unprunedPromptTokens());
      }
    }
  }

  /** Each example stands in the README as it is compiled here, but for its indentation. */
  @Test
  void theReadmeShowsThisCode() throws IOException {
    String readme = flat(Files.readAllLines(ROOT.resolve("README.md")));
    Path self = ROOT.resolve("java/cli/src/test/java/org/medpruner/cli/ReadmeExamplesTest.java");
    for (String name : List.of("ops", "model")) {
      List<String> code = between(self, "// README " + name, "// README end");
      assertTrue(code.size() >= 5, name);
      assertTrue(readme.contains(flat(code)), "the README lacks the example \"" + name + "\"");
    }
    List<String> c =
        between(ROOT.resolve("examples/c/slice_anchor.c"), "/* README */", "/* README */");
    assertTrue(readme.contains(flat(c)), "the README lacks the C example");
  }

  private static List<String> between(Path file, String begin, String end) throws IOException {
    List<String> lines = Files.readAllLines(file).stream().map(String::strip).toList();
    int first = lines.indexOf(begin) + 1;
    List<String> rest = lines.subList(first, lines.size());
    return rest.subList(0, rest.indexOf(end));
  }

  private static String flat(List<String> lines) {
    return String.join("\n", lines.stream().map(String::strip).toList());
  }
}
