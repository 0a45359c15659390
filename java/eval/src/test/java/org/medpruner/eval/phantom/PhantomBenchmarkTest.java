package org.medpruner.eval.phantom;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.eval.TestData;
import org.medpruner.volume.Volume;
import org.medpruner.volume.Volumes;

class PhantomBenchmarkTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private static JsonNode read(Path file) throws IOException {
    return JSON.readTree(Files.readAllBytes(file));
  }

  /** SHA-256 over every file's name and bytes, in order. */
  private static String hash(Path folder) throws Exception {
    MessageDigest sha = MessageDigest.getInstance("SHA-256");
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path f : files.filter(Files::isRegularFile).sorted().toList()) {
        sha.update(folder.relativize(f).toString().replace('\\', '/').getBytes(UTF_8));
        sha.update(Files.readAllBytes(f));
      }
    }
    return HexFormat.of().formatHex(sha.digest());
  }

  /** Changes only with the generator's version. */
  @Test
  void theSameSeedGivesTheSameBytesEverywhere() throws Exception {
    Path b = folder.resolve("b");
    PhantomBenchmark.write(b, 20, 42, (done, total) -> {});
    assertEquals("9cc9c247d745869bedabb7b6ff4679ab9ea52006b08c23c51d4da3cfe00dd3f6", hash(b));
  }

  @Test
  void aLongerBenchmarkBeginsWithAShorterOne() throws IOException {
    Path few = folder.resolve("few");
    Path many = folder.resolve("many");
    List<Integer> heard = new ArrayList<>();
    PhantomBenchmark.write(few, 13, 3, (done, total) -> heard.add(done));
    PhantomBenchmark.write(many, 40, 3, (done, total) -> {});
    JsonNode short13 = read(few.resolve(PhantomBenchmark.ANNOTATIONS));
    JsonNode long40 = read(many.resolve(PhantomBenchmark.ANNOTATIONS));
    assertEquals(13, short13.size());
    assertEquals(40, long40.size());
    for (int i = 0; i < 13; i++) {
      assertEquals(long40.get(i), short13.get(i));
    }
    String first = "phantom/000000/volume.nii";
    assertArrayEquals(
        Files.readAllBytes(many.resolve(first)), Files.readAllBytes(few.resolve(first)));
    int volumes = read(few.resolve(PhantomBenchmark.TRUTH)).get("volumes").size();
    assertEquals(volumes, heard.size());
    assertEquals(volumes, heard.getLast());
  }

  /** Each answer follows from the lesions in truth.json, and guessing scores at chance. */
  @Test
  void answersFollowFromTheTruthAndAreBalanced() throws IOException {
    Path b = folder.resolve("b");
    PhantomBenchmark.Summary s = PhantomBenchmark.write(b, 100, 9, (done, total) -> {});
    assertEquals(new PhantomBenchmark.Summary(35, 100, 0.4), s);
    JsonNode truth = read(b.resolve(PhantomBenchmark.TRUTH));
    assertEquals(0.4, truth.get("majority").doubleValue());
    Map<String, List<String>> organs = new HashMap<>();
    for (JsonNode v : truth.get("volumes")) {
      String path = v.get("volume").textValue();
      assertTrue(Files.isRegularFile(b.resolve(path)), path);
      organs.put(
          path.substring(0, path.lastIndexOf('/')),
          StreamSupport.stream(v.get("lesions").spliterator(), false)
              .map(l -> l.get("organ").textValue())
              .toList());
    }
    Map<String, Integer> answers = new HashMap<>();
    for (JsonNode q : read(b.resolve(PhantomBenchmark.ANNOTATIONS))) {
      List<String> there =
          organs.getOrDefault(q.get("video").get(0).textValue(), List.of("no such volume"));
      String asked = q.get("conversations").get(0).get("value").textValue();
      String letter = q.get("conversations").get(1).get("value").textValue();
      String kind = q.get("sub-type").textValue();
      assertTrue(asked.startsWith("<video>\n") && asked.contains("? Choices: A. "), asked);
      assertEquals("CLOSE", q.get("Question_Type").textValue());
      String answer = choice(asked, letter);
      switch (kind) {
        case "presence" ->
            assertEquals(there.stream().anyMatch(asked::contains) ? "yes" : "no", answer, asked);
        case "organ" -> assertEquals(there, List.of(answer));
        case "side" -> {
          boolean left = List.of("left lung", "spleen").contains(there.getFirst());
          assertEquals(1, there.size());
          assertEquals(left ? "left" : "right", answer);
        }
        case "count" -> assertEquals(Integer.toString(there.size()), answer);
        default -> throw new AssertionError(kind);
      }
      String of = kind.equals("presence") ? asked.substring(0, asked.indexOf('?')) : "";
      answers.merge(kind + of + letter, 1, Integer::sum);
    }
    // 5 blocks: 4 organs x yes and no, 4 organs, 2 sides twice each, 4 counts.
    assertEquals(8 + 4 + 2 + 4, answers.size());
    answers.forEach((k, n) -> assertEquals(k.startsWith("side") ? 10 : 5, n, k));
  }

  /** Text of a choice, from the question itself. */
  private static String choice(String asked, String letter) {
    String rest = asked.substring(asked.indexOf(" " + letter + ". ") + 4);
    int next = rest.indexOf(". ");
    return next < 0 ? rest : rest.substring(0, next - 2);
  }

  @Test
  void volumesAreReadAsTheyWereMade() {
    Path b = folder.resolve("b");
    PhantomBenchmark.write(b, 1, 11, (done, total) -> {});
    Volume v = Volumes.read(b.resolve("phantom/000000/volume.nii"));
    PhantomPlan.Item item = PhantomPlan.of(1, 11).getFirst();
    short[] hu = Phantom.generate(item.seed(), item.lesions()).hu();
    assertEquals(List.of(), v.provenance().warnings());
    var slices = v.slices();
    assertEquals(Phantom.SLICES, slices.count());
    for (int s : new int[] {0, 13, 23}) {
      double[] plane = slices.values(s);
      for (int i = 0; i < plane.length; i++) {
        assertEquals(hu[s * plane.length + i], plane[i]);
      }
    }
  }

  @Test
  void aFolderIsNeverOverwritten() throws IOException {
    Path b = folder.resolve("b");
    PhantomBenchmark.write(b, 2, 1, (done, total) -> {});
    // The same again is a no-op.
    PhantomBenchmark.write(b, 2, 1, (done, total) -> assertFalse(true, "written again"));
    assertEquals(
        b + " holds 2 questions of seed 1, not 2 questions of seed 7; name a new folder",
        TestData.refusal(() -> PhantomBenchmark.write(b, 2, 7, (done, total) -> {})));
    assertEquals(
        b + " holds 2 questions of seed 1, not 3 questions of seed 1; name a new folder",
        TestData.refusal(() -> PhantomBenchmark.write(b, 3, 1, (done, total) -> {})));
    Path other = Files.createDirectory(folder.resolve("other"));
    assertEquals(Optional.empty(), PhantomBenchmark.written(other));
    Path note = Files.createFile(other.resolve("note"));
    assertEquals(
        other + " holds something other than this benchmark; name a new folder",
        TestData.refusal(() -> PhantomBenchmark.write(other, 2, 1, (done, total) -> {})));
    Files.delete(note);
    Files.delete(other);
    assertThrows(
        IllegalArgumentException.class,
        () -> PhantomBenchmark.write(folder.resolve("c"), 0, 1, (done, total) -> {}));
    // What fails on the way leaves nothing.
    Path d = folder.resolve("d");
    assertThrows(
        IllegalStateException.class,
        () ->
            PhantomBenchmark.write(
                d,
                2,
                1,
                (done, total) -> {
                  throw new IllegalStateException("stop");
                }));
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of(b), left.toList());
    }
  }

  @Test
  void aBenchmarkThatHasLostSomethingIsRefused() throws IOException {
    Path b = folder.resolve("b");
    PhantomBenchmark.write(b, 5, 1, (done, total) -> {});
    Path volume = b.resolve("phantom/000001/volume.nii");
    byte[] bytes = Files.readAllBytes(volume);
    Files.write(volume, Arrays.copyOf(bytes, bytes.length / 2));
    refused(b, volume + " has " + bytes.length / 2 + " bytes, not " + bytes.length);
    Files.delete(volume);
    refused(b, volume + " is missing");
    Files.write(volume, bytes);
    Path annotations = b.resolve(PhantomBenchmark.ANNOTATIONS);
    String text = Files.readString(annotations);
    Files.writeString(annotations, "[]");
    refused(b, annotations + " does not hold 5 questions");
    Files.writeString(annotations, text);
    PhantomBenchmark.write(b, 5, 1, (done, total) -> assertFalse(true, "written again"));
  }

  private static void refused(Path b, String problem) {
    String message = TestData.refusal(() -> PhantomBenchmark.write(b, 5, 1, (done, total) -> {}));
    assertEquals(
        problem + "; delete " + b + ", so that it is written anew, or name a new folder", message);
  }

  @Test
  void whatAKilledProcessLeftIsRemoved() throws IOException {
    Path target = folder.resolve("data");
    // No system has so many processes.
    Path abandoned = folder.resolve(".data.999999999.tmp");
    Files.createDirectories(abandoned.resolve("phantom/000000"));
    Path alive =
        folder.resolve(".data." + ProcessHandle.current().parent().orElseThrow().pid() + ".tmp");
    Path other = folder.resolve(".other.999999999.tmp");
    Files.createDirectory(alive);
    Files.createDirectory(other);
    PhantomBenchmark.write(target, 1, 1, (done, total) -> {});
    assertFalse(Files.exists(abandoned));
    assertTrue(Files.exists(alive) && Files.exists(other));
  }
}
