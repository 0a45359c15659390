package org.medpruner.eval.phantom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/** What {@code truth.json} of a written benchmark says about its lesions. Immutable. */
public final class PhantomTruth {
  /**
   * A lesion as far as a report needs it.
   *
   * @param organ "liver"
   * @param kind "typical", "small" or "faint"
   * @param diameterMm in the plane of a slice
   * @param slices presented slices that show it, from 0
   */
  public record Target(String organ, String kind, double diameterMm, List<Integer> slices) {
    /** Copies the list. */
    public Target {
      slices = List.copyOf(slices);
    }
  }

  private record Question(String volume, String text) {}

  private final Map<Question, Target> targets = new HashMap<>();

  /** From the data folder to the benchmark's: "" or "phantom/". */
  private final String prefix;

  private PhantomTruth(String prefix) {
    this.prefix = prefix;
  }

  /**
   * Reads the {@code truth.json} beside a benchmark's annotation file; empty when there is none.
   *
   * @param data the folder that the volumes of samples are named from
   * @param annotations the annotation file relative to it, such as {@code phantom/M3D_test.json}
   * @throws InputException if the file cannot be read
   */
  public static Optional<PhantomTruth> read(Path data, String annotations) {
    Path beside = Path.of(annotations).getParent();
    Path file = data.resolve(annotations).resolveSibling(PhantomBenchmark.TRUTH);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    PhantomTruth truth = new PhantomTruth(beside == null ? "" : beside + "/");
    try {
      for (JsonNode volume :
          new ObjectMapper().readTree(Files.readAllBytes(file)).path("volumes")) {
        truth.add(volume);
      }
    } catch (IOException e) {
      throw new InputException(file + " cannot be read: " + e + "; write the benchmark anew", e);
    }
    return Optional.of(truth);
  }

  private void add(JsonNode volume) {
    List<Target> lesions = new ArrayList<>();
    for (JsonNode l : volume.path("lesions")) {
      List<Integer> slices = new ArrayList<>();
      l.path("slices").forEach(s -> slices.add(s.asInt()));
      lesions.add(
          new Target(
              l.path("organ").asText(),
              l.path("kind").asText(),
              l.path("diameterMm").asDouble(),
              slices));
    }
    for (JsonNode q : volume.path("questions")) {
      Target asked = asked(q.path("kind").asText(), q.path("text").asText(), lesions);
      if (asked != null) {
        String text = q.path("withChoices").asText();
        targets.put(new Question(prefix + volume.path("volume").asText(), text), asked);
      }
    }
  }

  /** A question about an organ is about its lesion, one that needs a single lesion about that. */
  private static @Nullable Target asked(String kind, String text, List<Target> lesions) {
    if (kind.equals(PhantomQuestion.Kind.PRESENCE.word())) {
      return lesions.stream()
          .filter(l -> text.endsWith(" " + l.organ() + "?"))
          .findFirst()
          .orElse(null);
    }
    return lesions.size() == 1 ? lesions.getFirst() : null;
  }

  /**
   * The lesion that decides the answer to a question; null when there is none, or when there are
   * several.
   *
   * @param volume the sample's folder or file, as {@link org.medpruner.eval.Sample#volume} has it
   * @param question with choices, as the benchmark asks it
   */
  public @Nullable Target target(String volume, String question) {
    String file = volume.endsWith(".nii") ? volume : volume + "/volume.nii";
    return targets.get(new Question(file, question));
  }
}
