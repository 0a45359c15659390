package org.medpruner.vlm;

import java.nio.file.Path;
import org.medpruner.vlm.checkpoint.ModelConfig;
import org.medpruner.vlm.gemma.GemmaModel;
import org.medpruner.vlm.gemma.GemmaPipeline;

/**
 * Picks the model family from a checkpoint's {@code config.json}; Gemma 3 is the only one so far.
 */
final class ModelLoader {
  private ModelLoader() {}

  static VisionLanguageModel load(Path folder, LoadOptions options, Progress progress) {
    // Says what is wrong with an unknown architecture before anything else is looked for.
    ModelConfig.read(folder);
    return GemmaModel.load(folder, options, progress);
  }

  static TokenModel loadTokenModel(Path folder, LoadOptions options, Progress progress) {
    return GemmaPipeline.load(folder, options, progress);
  }
}
