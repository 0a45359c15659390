package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import java.nio.file.Files;
import java.nio.file.Path;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.Modality;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volume;
import org.medpruner.volume.Volumes;

/** The checkpoint that comes with the sources, and its volumes. */
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

  static SliceImages images(Path file) {
    Volume volume = Volumes.read(file);
    return volume.slices().sample(85).images(Recipe.forModality(Modality.AUTO, volume));
  }

  static UserMessage about(int phantom, String question) {
    return UserMessage.from(VolumeContent.of(phantom(phantom)), TextContent.from(question));
  }
}
