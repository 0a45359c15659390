package org.medpruner.eval.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.benchmark.Entries.BadEntry;

/**
 * Samples of a JSON list as the published evaluation reads it: {@code video[0]} is the volume,
 * {@code conversations[0].value} the question, {@code conversations[1].value} the answer.
 */
final class JsonSamples {
  static final String AMOS_PROMPT =
      "You are a helpful assistant. Please generate a report for the given images, including both"
          + " findings and impressions. Return the report in the following format: Findings: {}"
          + " Impression: {}.";

  private static final List<String> M3D_TYPES =
      List.of("Plane", "Phase", "Organ", "Abnormality", "Location");

  private final Benchmark benchmark;
  private final Path data;
  private final Path file;

  JsonSamples(Benchmark benchmark, Path data, Path file) {
    this.benchmark = benchmark;
    this.data = data;
    this.file = file;
  }

  List<Sample> read() {
    Entries entries = new Entries(benchmark, data, file);
    entries.addAll(Entries.list(file, ""), "", this::sample);
    return entries.samples();
  }

  private Sample sample(String id, JsonNode entry) {
    String volume = volume(text(entry.path("video").path(0), "video[0]"));
    String gold = cell(entry.path("conversations").path(1).path("value"), ANSWER);
    if (benchmark == Benchmark.AMOS) {
      return new Sample(
          id, volume, benchmark.word(), Kind.REPORT, AMOS_PROMPT, gold.strip(), Map.of());
    }
    String question =
        cell(entry.path("conversations").path(0).path("value"), QUESTION)
            .replace("<image>\n", "")
            .replace("<video>\n", "")
            .strip();
    String type = entry.path("Question_Type").asText("open").strip().toLowerCase(Locale.ROOT);
    boolean closed =
        switch (type) {
          case "close", "closed" -> true;
          case "open" -> false;
          default ->
              throw new BadEntry("Question_Type: \"" + type + "\" is neither open nor close");
        };
    String prompt =
        benchmark == Benchmark.PHANTOM
            ? question
            : closed ? Benchmark.closed(question) : Benchmark.open(question);
    return new Sample(
        id,
        volume,
        category(entry),
        closed ? Kind.CLOSED : Kind.OPEN,
        prompt,
        gold.strip(),
        closed ? Choices.in(question) : Map.of());
  }

  private static final String QUESTION = "conversations[0].value";
  private static final String ANSWER = "conversations[1].value";

  private String category(JsonNode entry) {
    JsonNode type = entry.path(benchmark == Benchmark.PHANTOM ? "sub-type" : "type");
    if (type.isMissingNode() || type.isNull()) {
      return benchmark.word();
    }
    if (benchmark != Benchmark.M3D) {
      return type.asText();
    }
    int number = type.asInt(0);
    if (number < 1 || number > M3D_TYPES.size()) {
      throw new BadEntry("type: " + type + " is not 1 to " + M3D_TYPES.size());
    }
    return M3D_TYPES.get(number - 1);
  }

  /** Beside the file or in its parent, whichever is there. */
  private String volume(String name) {
    try {
      Path root = data.toAbsolutePath().normalize();
      Path absolute = file.toAbsolutePath().normalize();
      Path volume = absolute.resolveSibling(name).normalize();
      Path folder = absolute.getParent();
      Path parent = folder == null ? null : folder.getParent();
      if (!Files.exists(volume) && parent != null && Files.exists(parent.resolve(name))) {
        volume = parent.resolve(name).normalize();
      }
      return VolumeIndex.relative(root, volume);
    } catch (InvalidPathException e) {
      throw new BadEntry("video[0]: is not a path");
    }
  }

  private static String text(JsonNode value, String field) {
    String text = cell(value, field);
    if (text.isBlank()) {
      throw new BadEntry(field + ": is empty");
    }
    return text;
  }

  /** There, but it may be empty: then the sample has no question or no answer. */
  private static String cell(JsonNode value, String field) {
    if (!value.isValueNode() || value.isNull()) {
      throw new BadEntry(field + ": is missing");
    }
    return value.asText();
  }
}
