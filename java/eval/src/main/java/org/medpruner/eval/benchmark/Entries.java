package org.medpruner.eval.benchmark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;

/**
 * Samples of a file, entry by entry. A bad entry becomes a sample that says what is wrong with it:
 * published files have thousands, and one is no reason to ask none. A file of bad entries alone is
 * one of another format, and refused.
 */
final class Entries {
  private final Benchmark benchmark;
  private final Path data;
  private final Path file;
  private final List<Sample> samples = new ArrayList<>();
  private boolean good;
  private @Nullable String firstProblem;

  Entries(Benchmark benchmark, Path data, Path file) {
    this.benchmark = benchmark;
    this.data = data;
    this.file = file;
  }

  /** What is wrong with an entry: a field, and what with it. */
  static final class BadEntry extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String problem;

    BadEntry(String problem) {
      super(problem);
      this.problem = problem.replaceAll("\\p{Cntrl}", "?");
    }
  }

  /**
   * The entries of a JSON file.
   *
   * @param field of the list in the file's object; "" when the file is the list
   * @throws InputException if there is none
   */
  static JsonNode list(Path file, String field) {
    try {
      JsonNode root = new ObjectMapper().readTree(Files.readAllBytes(file));
      JsonNode list = root == null || field.isEmpty() ? root : root.path(field);
      if (list != null && list.isArray()) {
        return list;
      }
    } catch (JsonProcessingException e) {
      throw new InputException(file + ": not valid JSON; download it again", e);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e, e);
    }
    String problem = field.isEmpty() ? ": not a JSON list" : ": has no list \"" + field + "\"";
    throw new InputException(file + problem + "; download it again");
  }

  /**
   * Adds a sample for each entry of a list.
   *
   * @param of names the list in messages, " of validation"; "" when the file is the list
   * @param sample makes it from its id and entry
   */
  void addAll(JsonNode list, String of, BiFunction<String, JsonNode, Sample> sample) {
    for (int i = 0; i < list.size(); i++) {
      JsonNode entry = list.get(i);
      String id = String.format(Locale.ROOT, "%s-%06d", benchmark.word(), i);
      add(id, "entry " + i + " (from 0)" + of, () -> List.of(sample.apply(id, entry)));
    }
  }

  /**
   * Adds the samples of an entry.
   *
   * @param id of the sample that a bad entry becomes
   * @param where the entry stands, "row 3"
   * @param entry makes them, or throws {@link BadEntry}
   */
  void add(String id, String where, Supplier<List<Sample>> entry) {
    try {
      samples.addAll(entry.get());
      good = true;
    } catch (BadEntry e) {
      String problem = where + ": " + e.problem;
      if (firstProblem == null) {
        firstProblem = problem;
      }
      // The volume is a path that is not there: the entry may name none, and "" is all of them.
      // The problem names the file as seen from the data folder, which may lie elsewhere next time.
      samples.add(
          new Sample(
              id,
              id,
              benchmark.word(),
              benchmark == Benchmark.AMOS ? Kind.REPORT : Kind.OPEN,
              "",
              "",
              Map.of(),
              VolumeIndex.relative(data, file) + ": " + problem));
    }
  }

  /**
   * The samples in order.
   *
   * @throws InputException with the first problem, if there are entries and all are bad
   */
  List<Sample> samples() {
    if (!good && firstProblem != null) {
      throw new InputException(file + ": " + firstProblem + "; repair the file");
    }
    return List.copyOf(samples);
  }
}
