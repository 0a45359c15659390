package org.medpruner.eval.phantom;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * Writes the phantom benchmark: {@code M3D_test.json} and {@code phantom/000000/volume.nii}, ... in
 * M3D's layout, and {@code truth.json} with every lesion. The same number of questions and seed
 * give the same bytes on every machine; the first n volumes of a longer benchmark are those of a
 * shorter one, and benchmarks of different seeds share none.
 */
public final class PhantomBenchmark {
  /** M3D's annotation file. */
  public static final String ANNOTATIONS = "M3D_test.json";

  /** Lesions, and every question that can be asked, of each volume. */
  public static final String TRUTH = "truth.json";

  /** Questions when nothing is said. */
  public static final int DEFAULT_QUESTIONS = 500;

  /** Seed when nothing is said. */
  public static final long DEFAULT_SEED = 42;

  /** Changes whenever the same seed gives other bytes. */
  private static final int VERSION = 1;

  private static final int MAX_QUESTIONS = 1_000_000;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectWriter PRETTY = JSON.writerWithDefaultPrettyPrinter();

  private PhantomBenchmark() {}

  /**
   * What was written.
   *
   * @param volumes number of volumes
   * @param questions number of questions
   * @param majority accuracy of always giving a kind's most frequent answer, 0..1
   */
  public record Summary(int volumes, int questions, double majority) {}

  /**
   * What a benchmark was written from.
   *
   * @param questions number of questions
   * @param seed of its volumes and questions
   */
  public record Arguments(int questions, long seed) {
    /** "200 questions of seed 42". */
    @Override
    public String toString() {
      return questions + " questions of seed " + seed;
    }
  }

  /** Told after each volume. */
  @FunctionalInterface
  public interface Listener {
    /** {@code done} of {@code total} volumes are written. */
    void written(int done, int total);
  }

  /**
   * Writes the benchmark, all of it or nothing. A folder that already holds the benchmark of the
   * same arguments, every volume in its full size, is left as it is. What a process that was killed
   * has left beside it is removed.
   *
   * @param folder a new or empty folder, or one that this method wrote
   * @param questions 1 to a million; whole multiples of 20 are balanced exactly
   * @param seed any number
   * @throws InputException if the folder holds another benchmark or something else, lacks one of
   *     its files, or cannot be written
   * @throws IllegalArgumentException if {@code questions} is out of range
   */
  public static Summary write(Path folder, int questions, long seed, Listener listener) {
    if (questions < 1 || questions > MAX_QUESTIONS) {
      throw new IllegalArgumentException(
          "questions = " + questions + ", but it must be from 1 to " + MAX_QUESTIONS);
    }
    List<PhantomPlan.Item> plan = PhantomPlan.of(questions, seed);
    Summary summary = new Summary(plan.size(), questions, majority(plan));
    Path target = folder.toAbsolutePath().normalize();
    if (isWritten(target, questions, seed)) {
      return summary;
    }
    Path parent = target.getParent();
    if (parent == null) {
      throw new InputException(folder + " cannot hold the benchmark; name another folder");
    }
    Path working =
        parent.resolve("." + target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    try {
      Files.createDirectories(parent);
      deleteAbandoned(parent, target);
      deleteTree(working);
      Files.createDirectory(working);
      writeAll(working, plan, questions, seed, listener);
      Files.deleteIfExists(target); // an empty folder
      Files.move(working, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      deleteQuietly(working);
      throw new InputException(folder + " could not be written: " + e, e);
    } catch (RuntimeException | Error e) {
      deleteQuietly(working);
      throw e;
    }
    return summary;
  }

  /** Removes working folders whose process is no more. */
  private static void deleteAbandoned(Path parent, Path target) throws IOException {
    Pattern name =
        Pattern.compile(Pattern.quote("." + target.getFileName()) + "\\.(\\d{1,9})\\.tmp");
    List<Path> all;
    try (var entries = Files.list(parent)) {
      all = entries.toList();
    }
    for (Path p : all) {
      Matcher m = name.matcher(String.valueOf(p.getFileName()));
      if (m.matches() && ProcessHandle.of(Long.parseLong(m.group(1))).isEmpty()) {
        deleteTree(p);
      }
    }
  }

  /**
   * What the benchmark in a folder was written from; empty where this program's version of it is
   * not.
   *
   * @throws InputException if its files cannot be read
   */
  public static Optional<Arguments> written(Path folder) {
    try {
      return arguments(truth(folder));
    } catch (IOException e) {
      throw new InputException(folder + " cannot be read: " + e, e);
    }
  }

  /** What the folder's truth says; missing where it holds no benchmark. */
  private static JsonNode truth(Path folder) throws IOException {
    Path truth = folder.resolve(TRUTH);
    boolean there = Files.isRegularFile(truth) && Files.isRegularFile(folder.resolve(ANNOTATIONS));
    return there ? JSON.readTree(Files.readAllBytes(truth)) : MissingNode.getInstance();
  }

  private static Optional<Arguments> arguments(JsonNode truth) {
    return truth.path("version").asInt() == VERSION
        ? Optional.of(new Arguments(truth.path("questions").asInt(), truth.path("seed").asLong()))
        : Optional.empty();
  }

  /** Whether the folder holds this very benchmark. */
  private static boolean isWritten(Path folder, int questions, long seed) {
    Arguments wanted = new Arguments(questions, seed);
    try {
      JsonNode truth = truth(folder);
      Optional<Arguments> there = arguments(truth);
      if (there.isPresent()) {
        if (!there.get().equals(wanted)) {
          throw new InputException(
              folder + " holds " + there.get() + ", not " + wanted + "; name a new folder");
        }
        checkWhole(folder, truth, questions);
        return true;
      }
      if (!Files.exists(folder)) {
        return false;
      }
      try (var entries = Files.list(folder)) {
        if (entries.findAny().isEmpty()) {
          return false;
        }
      }
    } catch (IOException e) {
      throw new InputException(folder + " cannot be read: " + e, e);
    }
    throw new InputException(
        folder + " holds something other than this benchmark; name a new folder");
  }

  /**
   * Refuses a benchmark that has lost something since it was written: a copy that ended early, a
   * full disk.
   */
  private static void checkWhole(Path folder, JsonNode truth, int questions) throws IOException {
    for (JsonNode volume : truth.path("volumes")) {
      Path file = folder.resolve(volume.path("volume").asText());
      if (!Files.isRegularFile(file)) {
        throw damaged(folder, file + " is missing");
      }
      if (Files.size(file) != PhantomNifti.BYTES) {
        throw damaged(
            folder, file + " has " + Files.size(file) + " bytes, not " + PhantomNifti.BYTES);
      }
    }
    Path annotations = folder.resolve(ANNOTATIONS);
    if (JSON.readTree(Files.readAllBytes(annotations)).size() != questions) {
      throw damaged(folder, annotations + " does not hold " + questions + " questions");
    }
  }

  private static InputException damaged(Path folder, String problem) {
    return new InputException(
        problem + "; delete " + folder + ", so that it is written anew, or name a new folder");
  }

  private static void writeAll(
      Path folder, List<PhantomPlan.Item> plan, int questions, long seed, Listener listener)
      throws IOException {
    ArrayNode annotations = JSON.createArrayNode();
    ObjectNode truth = JSON.createObjectNode();
    truth.put("version", VERSION).put("questions", questions);
    truth.put("seed", Long.toString(seed)).put("majority", majority(plan));
    ArrayNode volumes = truth.putArray("volumes");
    for (int v = 0; v < plan.size(); v++) {
      PhantomPlan.Item item = plan.get(v);
      String name = "phantom/" + String.format(Locale.ROOT, "%06d", v);
      Phantom phantom = Phantom.generate(item.seed(), item.lesions());
      Path own = Files.createDirectories(folder.resolve(name));
      Files.write(own.resolve("volume.nii"), PhantomNifti.bytes(phantom));
      for (PhantomQuestion q : item.questions()) {
        annotations.add(annotation(name, q));
      }
      volumes.add(truth(name, item, phantom));
      listener.written(v + 1, plan.size());
    }
    Files.write(folder.resolve(TRUTH), text(truth));
    Files.write(folder.resolve(ANNOTATIONS), text(annotations));
  }

  private static ObjectNode annotation(String volume, PhantomQuestion q) {
    ObjectNode n = JSON.createObjectNode();
    n.putArray("video").add(volume);
    ArrayNode turns = n.putArray("conversations");
    turns.addObject().put("from", "human").put("value", "<video>\n" + q.withChoices());
    turns.addObject().put("from", "gpt").put("value", q.letter());
    n.put("Question_Type", "CLOSE").put("type", Integer.toString(q.kind().m3dType()));
    return n.put("sub-type", q.kind().word());
  }

  private static ObjectNode truth(String name, PhantomPlan.Item item, Phantom phantom) {
    ObjectNode n = JSON.createObjectNode().put("volume", name + "/volume.nii");
    n.put("seed", Long.toString(item.seed()));
    ArrayNode lesions = n.putArray("lesions");
    for (Lesion l : phantom.lesions()) {
      ObjectNode o = lesions.addObject().put("organ", l.organ().word());
      o.put("kind", l.kind().name().toLowerCase(Locale.ROOT));
      l.centreMm().forEach(o.putArray("centreMm")::add);
      l.semiAxesMm().forEach(o.putArray("semiAxesMm")::add);
      o.put("diameterMm", l.diameterMm()).put("contrastHu", l.contrastHu());
      l.slices().forEach(o.putArray("slices")::add);
      o.put("voxels", l.voxels());
    }
    ArrayNode possible = n.putArray("questions");
    for (PhantomQuestion q : PhantomQuestion.all(item.lesions())) {
      ObjectNode o = possible.addObject().put("kind", q.kind().word()).put("text", q.text());
      o.put("withChoices", q.withChoices()).put("letter", q.letter()).put("answer", q.answerText());
    }
    return n;
  }

  private static byte[] text(JsonNode node) throws JsonProcessingException {
    // Jackson's printer takes the platform's line break; the bytes must not depend on it.
    String text = PRETTY.writeValueAsString(node).replace("\r\n", "\n");
    return (text + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** Accuracy of the most frequent answer to each kind of question. */
  private static double majority(List<PhantomPlan.Item> plan) {
    Map<PhantomQuestion.Kind, Map<String, Integer>> counts =
        new EnumMap<>(PhantomQuestion.Kind.class);
    int all = 0;
    for (PhantomPlan.Item item : plan) {
      for (PhantomQuestion q : item.questions()) {
        counts.computeIfAbsent(q.kind(), k -> new TreeMap<>()).merge(q.letter(), 1, Integer::sum);
        all++;
      }
    }
    int best = 0;
    for (Map<String, Integer> answers : counts.values()) {
      best += answers.values().stream().mapToInt(Integer::intValue).max().orElse(0);
    }
    return (double) best / all;
  }

  private static void deleteQuietly(Path folder) {
    try {
      deleteTree(folder);
    } catch (IOException e) {
      // Already failing: the first cause is the one to report.
    }
  }

  private static void deleteTree(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes a) throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
