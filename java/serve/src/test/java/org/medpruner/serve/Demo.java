package org.medpruner.serve;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;

/** The checkpoint that comes with the sources. */
final class Demo {
  static final String QUESTION = "Which organ contains the lesion?";
  static final String FURTHER = "How many lesions are there?";

  private Demo() {}

  static Path root() {
    String root = System.getenv("MEDPRUNER_ROOT");
    return Path.of(root == null ? "../.." : root).toAbsolutePath().normalize();
  }

  static Path folder() {
    Path demo = root().resolve("models/demo");
    boolean there = Files.exists(demo.resolve("model.safetensors"));
    if (!there) {
      System.out.println("SKIPPED: no demo model at " + demo);
    }
    assumeTrue(there, "no demo model at " + demo);
    return demo;
  }

  static VisionLanguageModel load() {
    return VisionLanguageModel.load(folder(), LoadOptions.DEFAULT, Progress.NONE);
  }

  static Path phantom(int number) {
    return folder().resolve("phantoms/phantom_0" + number + ".nii.gz");
  }
}
