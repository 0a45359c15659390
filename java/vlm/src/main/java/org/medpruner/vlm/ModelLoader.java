package org.medpruner.vlm;

import java.nio.file.Path;
import org.medpruner.InputException;

/** Picks the model family from a checkpoint's {@code config.json}. */
final class ModelLoader {
  private ModelLoader() {}

  static VisionLanguageModel load(Path folder, LoadOptions options, Progress progress) {
    throw new InputException("model " + folder + ": no model family is built in yet");
  }
}
