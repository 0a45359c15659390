package org.medpruner.cli;

import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which model answers, where there is no answer without one. */
final class CheckpointOption {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Hugging Face checkpoint folder.")
  private @Nullable Path model;

  /**
   * The folder, before a volume is read for nothing.
   *
   * @throws org.medpruner.InputException if it is none
   */
  Path folder() {
    return Session.checkModelFolder(Objects.requireNonNull(model, "--model"));
  }
}
