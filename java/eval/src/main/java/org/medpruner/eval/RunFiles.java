package org.medpruner.eval;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.medpruner.InputException;

/** Reads the files of a run's folder. */
final class RunFiles {
  static final String HEADER = "run.json";
  static final String SAMPLES = "samples.jsonl";
  static final String RESULTS = "results.jsonl";

  private final Path folder;

  RunFiles(Path folder) {
    this.folder = folder;
  }

  RunHeader header() {
    Path file = folder.resolve(HEADER);
    RunHeader header = parse(new String(bytes(file), UTF_8), RunHeader.class, file, 0);
    if (!RunHeader.FORMAT.equals(header.format())) {
      throw new InputException(
          file
              + ": format "
              + header.format()
              + " is not "
              + RunHeader.FORMAT
              + "; start another folder");
    }
    return header;
  }

  List<Sample> samples() {
    return lines(folder.resolve(SAMPLES), Sample.class);
  }

  /** Empty when no sample was done yet. */
  List<SampleResult> results() {
    Path file = folder.resolve(RESULTS);
    return Files.exists(file) ? lines(file, SampleResult.class) : List.of();
  }

  /** The lines that end; what stands behind the last line break was torn by a kill. */
  private static <T> List<T> lines(Path file, Class<T> type) {
    byte[] bytes = bytes(file);
    // Cut first: the tear may be inside a character.
    String text = new String(bytes, 0, wholeLines(bytes), UTF_8);
    List<T> all = new ArrayList<>();
    int from = 0;
    for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      all.add(parse(text.substring(from, end), type, file, all.size() + 1));
      from = end + 1;
    }
    return all;
  }

  /** Bytes up to and including the last line break. */
  static int wholeLines(byte[] bytes) {
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] != '\n') {
      end--;
    }
    return end;
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new InputException(file + ": no such file; name the folder of a run", e);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static <T> T parse(String json, Class<T> type, Path file, int line) {
    try {
      T value = Json.MAPPER.readValue(json, type);
      if (value != null) {
        return value;
      }
    } catch (JsonProcessingException e) {
      throw damaged(file, line, e);
    }
    throw damaged(file, line, null);
  }

  private static InputException damaged(
      Path file, int line, @org.jspecify.annotations.Nullable Throwable cause) {
    return new InputException(
        file
            + (line > 0 ? ", line " + line : "")
            + ": is not what an evaluation writes; start another folder",
        cause);
  }
}
