package org.medpruner.vlm.checkpoint;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint's {@code generation_config.json}; the file may be absent. Decoding is greedy
 * whatever it says.
 *
 * @param stopTokens ids that end an answer
 * @param maxNewTokens most tokens to generate, or 0 when it does not say
 */
public record GenerationConfig(Set<Integer> stopTokens, int maxNewTokens) {
  /** Copies the set. */
  public GenerationConfig {
    stopTokens = Set.copyOf(stopTokens);
  }

  /**
   * Reads the file of a folder.
   *
   * @param modelStops ids that end an answer where the file names none, from {@code config.json}
   * @throws org.medpruner.InputException if the file is not JSON or a value is out of range
   */
  public static GenerationConfig read(Path folder, Collection<Integer> modelStops) {
    JsonFile json = JsonFile.readIfPresent(folder.resolve("generation_config.json"));
    int @Nullable [] eos = json.integers("eos_token_id");
    Set<Integer> stop =
        eos == null
            ? Set.copyOf(modelStops)
            : Arrays.stream(eos).boxed().collect(Collectors.toSet());
    return new GenerationConfig(stop, json.integer("max_new_tokens", 0, 1));
  }
}
