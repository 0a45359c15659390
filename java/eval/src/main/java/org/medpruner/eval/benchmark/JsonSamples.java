package org.medpruner.eval.benchmark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;

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
    JsonNode list = list();
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      samples.add(sample(list.get(i), i));
    }
    return samples;
  }

  private JsonNode list() {
    try {
      JsonNode list = new ObjectMapper().readTree(Files.readAllBytes(file));
      if (list != null && list.isArray()) {
        return list;
      }
    } catch (JsonProcessingException e) {
      throw new InputException(file + ": not valid JSON; download it again", e);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e, e);
    }
    throw new InputException(file + ": not a JSON list; download it again");
  }

  private Sample sample(JsonNode entry, int index) {
    String volume = volume(text(entry.path("video").path(0), index, "video[0]"), index);
    String gold = cell(entry.path("conversations").path(1).path("value"), index, ANSWER);
    String id = String.format(Locale.ROOT, "%s-%06d", benchmark.word(), index);
    if (benchmark == Benchmark.AMOS) {
      return new Sample(
          id, volume, benchmark.word(), Kind.REPORT, AMOS_PROMPT, gold.strip(), Map.of());
    }
    String question =
        cell(entry.path("conversations").path(0).path("value"), index, QUESTION)
            .replace("<image>\n", "")
            .replace("<video>\n", "")
            .strip();
    String type = entry.path("Question_Type").asText("open").toLowerCase(Locale.ROOT);
    boolean closed =
        switch (type) {
          case "close", "closed" -> true;
          case "open" -> false;
          default ->
              throw bad(index, "Question_Type", "\"" + type + "\" is neither open nor close");
        };
    String prompt =
        benchmark == Benchmark.PHANTOM
            ? question
            : closed ? Benchmark.closed(question) : Benchmark.open(question);
    return new Sample(
        id,
        volume,
        category(entry, index),
        closed ? Kind.CLOSED : Kind.OPEN,
        prompt,
        gold.strip(),
        closed ? Choices.in(question) : Map.of());
  }

  private static final String QUESTION = "conversations[0].value";
  private static final String ANSWER = "conversations[1].value";

  private String category(JsonNode entry, int index) {
    JsonNode type = entry.path(benchmark == Benchmark.PHANTOM ? "sub-type" : "type");
    if (type.isMissingNode() || type.isNull()) {
      return benchmark.word();
    }
    if (benchmark != Benchmark.M3D) {
      return type.asText();
    }
    int number = type.asInt(0);
    if (number < 1 || number > M3D_TYPES.size()) {
      throw bad(index, "type", type + " is not 1 to " + M3D_TYPES.size());
    }
    return M3D_TYPES.get(number - 1);
  }

  /** Beside the file or in its parent, whichever is there. */
  private String volume(String name, int index) {
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
      throw bad(index, "video[0]", "is not a path", e);
    }
  }

  private String text(JsonNode value, int index, String field) {
    String text = cell(value, index, field);
    if (text.isBlank()) {
      throw bad(index, field, "is empty");
    }
    return text;
  }

  /** There, but it may be empty: that is one bad sample, not another format. */
  private String cell(JsonNode value, int index, String field) {
    if (!value.isValueNode() || value.isNull()) {
      throw bad(index, field, "is missing");
    }
    return value.asText();
  }

  private InputException bad(int index, String field, String problem) {
    return bad(index, field, problem, null);
  }

  private InputException bad(int index, String field, String problem, @Nullable Exception cause) {
    return new InputException(
        file + ": entry " + index + " (from 0): " + field + ": " + problem + "; repair the file",
        cause);
  }
}
