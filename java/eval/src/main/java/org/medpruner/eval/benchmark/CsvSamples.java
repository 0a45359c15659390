package org.medpruner.eval.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.benchmark.Entries.BadEntry;

/**
 * Samples of the CSVs that 3D-RAD and M3D-VQA themselves publish: all below a folder that have the
 * benchmark's columns, those for training and validation left out. The choices stand in columns and
 * are put behind the question.
 */
final class CsvSamples {
  private static final List<String> LETTERS = List.of("A", "B", "C", "D");

  /** A path that names another split than test. */
  private static final Pattern OTHER_SPLIT =
      Pattern.compile("(^|[/_-])(train|val|valid|validation)([/_.-]|$)");

  /** Names of 3D-RAD's folders; its rows have the numbers. */
  private static final List<String> RAD3D_TASKS =
      List.of(
          "Image Observation",
          "Anomaly Detection",
          "Medical Computation",
          "Existence Detection",
          "Static Temporal Diagnosis",
          "Longitudinal Temporal Diagnosis");

  private static final List<String> M3D_TYPES =
      List.of("Plane", "Phase", "Organ", "Abnormality", "Location");

  /** 3D-RAD's test volumes are CT-RATE's for validation, and carry that name there. */
  private static final String RAD3D_TEST = "test_";

  private static final String CT_RATE_TEST = "valid_";

  /** The column of row numbers that pandas writes has no name. */
  private static final CSVFormat FORMAT =
      CSVFormat.RFC4180
          .builder()
          .setHeader()
          .setSkipHeaderRecord(true)
          .setAllowMissingColumnNames(true)
          .setIgnoreHeaderCase(true)
          .setTrim(true)
          .get();

  private final Benchmark benchmark;
  private final Path data;
  private final boolean m3d;
  private final String volumeColumn;
  private final String letterColumn;
  private final VolumeIndex volumes;

  /** The table that each question stands in. */
  private final Map<Question, Path> asked = new HashMap<>();

  CsvSamples(Benchmark benchmark, Path data) {
    this.benchmark = benchmark;
    this.data = data;
    this.m3d = benchmark == Benchmark.M3D;
    this.volumeColumn = m3d ? "Image Path" : "VolumeName";
    this.letterColumn = m3d ? "Answer Choice" : "AnswerChoice";
    this.volumes = new VolumeIndex(data);
  }

  private record Question(String volume, Kind kind, String prompt, String gold) {}

  Benchmark.Loaded read() {
    List<Path> files = new ArrayList<>();
    List<Sample> samples = new ArrayList<>();
    for (Path file : candidates()) {
      List<Sample> own = read(file);
      if (own != null) {
        checkNew(file, own);
        files.add(file);
        samples.addAll(own);
      }
    }
    if (files.isEmpty()) {
      throw new InputException(
          data
              + ": holds neither "
              + benchmark.annotationsName()
              + " nor a CSV with the columns "
              + volumeColumn
              + ", Question, Answer; check --data");
    }
    return new Benchmark.Loaded(files, samples);
  }

  /** M3D-VQA publishes a part of its test table beside it; a question counts once. */
  private void checkNew(Path file, List<Sample> samples) {
    for (Sample s : samples) {
      if (s.prompt().isEmpty() || s.gold().isEmpty()) {
        continue;
      }
      // Tables repeat questions of their own, which is theirs to do.
      Path first =
          asked.putIfAbsent(new Question(s.volume(), s.kind(), s.prompt(), s.gold()), file);
      if (first != null && !first.equals(file)) {
        throw new InputException(
            file + ": holds questions of " + first + "; keep one of the two below --data");
      }
    }
  }

  private List<Path> candidates() {
    return VolumeIndex.below(data).stream()
        .filter(f -> f.toString().toLowerCase(Locale.ROOT).endsWith(".csv"))
        .filter(Files::isRegularFile)
        .filter(f -> !OTHER_SPLIT.matcher(name(f).toLowerCase(Locale.ROOT)).find())
        .sorted((x, y) -> name(x).compareTo(name(y)))
        .toList();
  }

  private String name(Path file) {
    return VolumeIndex.relative(data, file);
  }

  /** Null when it is another table. */
  private @Nullable List<Sample> read(Path file) {
    if (!isOurs(file)) {
      return null;
    }
    try (BufferedReader text = Files.newBufferedReader(file, UTF_8);
        CSVParser rows = FORMAT.parse(withoutMark(text))) {
      checkColumns(file, rows.getHeaderNames());
      int columns = rows.getHeaderNames().size();
      String stem = name(file).replaceFirst("\\.[^./]*$", "");
      Entries entries = new Entries(benchmark, data, file);
      for (CSVRecord record : rows) {
        if (!record.stream().allMatch(String::isBlank)) {
          long number = record.getRecordNumber();
          String id = String.format(Locale.ROOT, "%s-%s-%06d", benchmark.word(), stem, number);
          entries.add(id, "row " + number, () -> samples(id, new Row(columns, record)));
        }
      }
      return entries.samples();
    } catch (IOException e) {
      throw unreadable(file, e);
    } catch (UncheckedIOException e) {
      throw unreadable(file, Objects.requireNonNull(e.getCause()));
    }
  }

  /** Decided by the first row alone: another table may be in any encoding, or be no table. */
  private boolean isOurs(Path file) {
    try (BufferedReader text =
            new BufferedReader(new InputStreamReader(Files.newInputStream(file), UTF_8));
        CSVParser rows = FORMAT.parse(withoutMark(text))) {
      TreeSet<String> names = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
      names.addAll(rows.getHeaderNames());
      return names.containsAll(List.of(volumeColumn, "Question", "Answer"));
    } catch (CSVException e) {
      return false;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** Excel begins UTF-8 with a byte order mark, which would else be part of the first name. */
  private static BufferedReader withoutMark(BufferedReader text) throws IOException {
    text.mark(1);
    if (text.read() != '\uFEFF') {
      text.reset();
    }
    return text;
  }

  private static void checkColumns(Path file, List<String> names) {
    TreeSet<String> seen = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    for (String name : names) {
      if (!name.isEmpty() && !seen.add(name)) {
        throw new InputException(file + ": has two columns " + name + "; remove or rename one");
      }
    }
  }

  private static InputException unreadable(Path file, IOException e) {
    String problem = ": cannot be read (" + e + "); check the file";
    if (e instanceof CharacterCodingException) {
      problem = ": is not UTF-8; save it as UTF-8";
    } else if (e instanceof CSVException) {
      problem = ": not a CSV table (" + e.getMessage() + "); repair the file";
    }
    return new InputException(file + problem, e);
  }

  private List<Sample> samples(String id, Row row) {
    row.checkWidth();
    List<Sample> samples = new ArrayList<>();
    Map<String, String> choices = new LinkedHashMap<>();
    for (String letter : LETTERS) {
      String text = row.optional("Choice " + letter);
      if (!text.isEmpty() && !text.equals("-")) {
        choices.put(letter, text);
      }
    }
    String question = row.optional("Question");
    String volume = volume(row);
    String category = category(row);
    // M3D-VQA asks every question twice: with choices, and for a free answer.
    boolean closed = m3d ? !choices.isEmpty() : row.closed();
    if (closed) {
      String gold = row.optional(letterColumn);
      samples.add(
          new Sample(
              m3d ? id + "-closed" : id,
              volume,
              category,
              Kind.CLOSED,
              closed(question, choices),
              gold.isEmpty() || gold.equals("-") ? row.optional("Answer") : gold,
              choices));
    }
    if (!closed || m3d) {
      samples.add(
          new Sample(
              m3d ? id + "-open" : id,
              volume,
              category,
              Kind.OPEN,
              Benchmark.open(question),
              row.optional("Answer"),
              Map.of()));
    }
    return samples;
  }

  private String volume(Row row) {
    String name = row.required(volumeColumn);
    try {
      String found = volumes.find(name);
      if (found == null && !m3d && name.startsWith(RAD3D_TEST)) {
        found = volumes.find(CT_RATE_TEST + name.substring(RAD3D_TEST.length()));
      }
      return found == null ? name : found;
    } catch (InvalidPathException e) {
      throw new BadEntry(volumeColumn + " is not a path");
    }
  }

  private String closed(String question, Map<String, String> choices) {
    if (question.isEmpty()) {
      return "";
    }
    return Benchmark.closed(m3d ? inLine(question, choices) : belowEachOther(question, choices));
  }

  /** As M3D-VQA's own evaluation asks. */
  private static String inLine(String question, Map<String, String> choices) {
    StringBuilder b = new StringBuilder(question).append(" Choices:");
    choices.forEach((letter, text) -> b.append(' ').append(letter).append(". ").append(text));
    return b.toString();
  }

  /** As in the published evaluation's file for 3D-RAD. */
  private static String belowEachOther(String question, Map<String, String> choices) {
    StringBuilder b = new StringBuilder(question);
    choices.forEach((letter, text) -> b.append('\n').append(letter).append('.').append(text));
    return b.toString();
  }

  private String category(Row row) {
    String key = row.optional(m3d ? "Question Type" : "Task");
    List<String> names = m3d ? M3D_TYPES : RAD3D_TASKS;
    if (key.matches("[1-9]") && Integer.parseInt(key) <= names.size()) {
      return names.get(Integer.parseInt(key) - 1);
    }
    return key.isEmpty() ? benchmark.word() : key;
  }

  /** A row of a table that has so many columns. */
  private record Row(int columns, CSVRecord record) {
    /** A comma that is not quoted shifts the cells behind it. */
    void checkWidth() {
      if (record.stream().skip(columns).anyMatch(cell -> !cell.isBlank())) {
        throw new BadEntry(
            "has "
                + record.size()
                + " cells, the head has "
                + columns
                + "; quote what holds a comma");
      }
    }

    String optional(String column) {
      return record.isSet(column) ? record.get(column).strip() : "";
    }

    String required(String column) {
      String value = optional(column);
      if (value.isEmpty()) {
        throw new BadEntry(column + " is empty");
      }
      return value;
    }

    boolean closed() {
      String type = optional("QuestionType").toLowerCase(Locale.ROOT);
      return switch (type) {
        case "close", "closed" -> true;
        case "open", "" -> false;
        default -> throw new BadEntry("QuestionType \"" + type + "\" is neither Open nor Close");
      };
    }
  }
}
