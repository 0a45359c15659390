package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;

/** Where the audit record and the report go, and what they never replace. */
class OutputsTest {
  @TempDir Path folder;

  private Path volume(String name) throws IOException {
    return Files.write(folder.resolve(name), TestVolumes.greyPlanes(4, 1, 200));
  }

  private static CliRun prune(Path volume, String option, Path target) {
    return CliRun.of("prune", "--volume", volume.toString(), option, target.toString());
  }

  private void assertKept(Path volume, String option, Path target, Path kept) throws IOException {
    byte[] before = Files.readAllBytes(kept);
    List<String> files = CliRun.filesUnder(folder);
    prune(volume, option, target).assertBadInput(option, "would replace a file of --volume");
    assertArrayEquals(before, Files.readAllBytes(kept));
    assertEquals(files, CliRun.filesUnder(folder));
  }

  @Test
  void theVolumeIsNotReplaced() throws IOException {
    Path v = volume("v.nii");
    assertKept(v, "--json", v, v);
    assertKept(v, "--json", folder.resolve("./missing/../v.nii"), v);
    Path link = Files.createSymbolicLink(folder.resolve("link.json"), v);
    assertKept(v, "--json", link, v);
    assertKept(link, "--json", v, v);
    Path reports = Files.createDirectory(folder.resolve("r"));
    Files.createSymbolicLink(reports.resolve("report.html"), v);
    assertKept(v, "--report", reports, v);
    Path page = Files.copy(v, Files.createDirectory(folder.resolve("p")).resolve("report.html"));
    assertKept(page, "--report", folder.resolve("p"), page);
  }

  @Test
  void theOtherHalfOfAPairIsNotReplaced() throws IOException {
    Path header = volume("pair.hdr");
    Path image = Files.write(folder.resolve("pair.IMG"), new byte[64]);
    Path packed = Files.write(folder.resolve("pair.img.gz"), new byte[64]);
    assertKept(header, "--json", image, image);
    assertKept(header, "--json", packed, packed);
    assertKept(image, "--json", header, header);
  }

  @Test
  void filesOfAFolderAreNotReplaced() throws IOException {
    Path slices = folder.resolve("slices");
    Files.createDirectories(slices.resolve("deep"));
    Path slice = Files.write(slices.resolve("deep/1"), new byte[300]);
    assertKept(slices, "--json", slice, slice);
    Path elsewhere = Files.write(folder.resolve("elsewhere"), new byte[300]);
    Files.createSymbolicLink(slices.resolve("2"), elsewhere);
    assertKept(slices, "--json", elsewhere, elsewhere);
    Path page = Files.writeString(slices.resolve("report.html"), "of somebody else");
    assertKept(slices, "--report", slices, page);
  }

  /** Every command that writes the two. */
  @Test
  void severalVolumesAreAllKept() throws IOException {
    String model = Files.createDirectory(folder.resolve("model")).toString();
    String a = volume("a.nii").toString();
    String b = volume("b.nii").toString();
    CliRun.of("ask", "--model", model, "--question", "q", "--volume", a, "--volume", b, "--json", b)
        .assertBadInput("--json", "b.nii would replace");
    CliRun.of("compare", "--model", model, "--question", "q", "--volume", a, "--json", a)
        .assertBadInput("--json", "a.nii would replace");
  }

  @Test
  void whatALinkPointsToIsReplacedAndTheLinkStays() throws IOException {
    Path v = volume("v.nii");
    Path real = Files.writeString(Files.createDirectory(folder.resolve("d")).resolve("a"), "old");
    Path link = Files.createSymbolicLink(folder.resolve("link.json"), Path.of("d/a"));
    prune(v, "--json", link).assertDone();
    assertTrue(Files.isSymbolicLink(link));
    assertTrue(Files.readString(real).startsWith("{"));
    Path begun = Files.createSymbolicLink(folder.resolve("new.json"), Path.of("d/b"));
    prune(v, "--json", begun).assertDone();
    assertTrue(Files.isSymbolicLink(begun));
    assertEquals(List.of("d", "d/a", "d/b", "link.json", "new.json", "v.nii"), all());
    Path loop = folder.resolve("loop");
    Files.createSymbolicLink(loop, loop);
    prune(v, "--json", loop).assertBadInput("--json", "links cannot be followed");
  }

  private List<String> all() throws IOException {
    return CliRun.filesUnder(folder);
  }

  @Test
  void devicesAreWrittenToAndStay() throws IOException {
    Path v = volume("v.nii");
    Path nothing = Path.of("/dev/null");
    prune(v, "--json", nothing).assertDone();
    assertFalse(Files.isRegularFile(nothing));
    Path link = Files.createSymbolicLink(folder.resolve("link.json"), nothing);
    prune(v, "--json", link).assertDone();
    assertTrue(Files.isSymbolicLink(link));
    prune(v, "--json", Path.of("/dev/full")).assertBadInput("/dev/full could not be written");
  }

  @Test
  void pipesAreWrittenTo() throws Exception {
    Path v = volume("v.nii");
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    Supplier<String> reader =
        () -> {
          try {
            return Files.readString(pipe, UTF_8);
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        };
    CompletableFuture<String> text = CompletableFuture.supplyAsync(reader);
    prune(v, "--json", pipe).assertDone();
    assertTrue(text.get(30, TimeUnit.SECONDS).startsWith("{"));
    assertFalse(Files.isRegularFile(pipe));
    assertEquals(List.of("pipe", "v.nii"), all());
  }

  /** Replacing it would take the file from under what else this process prints. */
  @Test
  void aFileThatIsOpenAsADescriptorIsRefused() throws Exception {
    Path v = volume("v.nii");
    Path open = Files.createFile(folder.resolve("open"));
    try (var in = new java.io.FileInputStream(open.toFile())) {
      Path descriptor = null;
      try (var all = Files.list(Path.of("/proc/self/fd"))) {
        for (Path p : (Iterable<Path>) all::iterator) {
          descriptor = Files.exists(p) && Files.isSameFile(p, open) ? p : descriptor;
        }
      }
      assertTrue(in.available() == 0 && descriptor != null);
      prune(v, "--json", descriptor).assertBadInput("--json", "open already");
    }
    assertEquals(0, Files.size(open));
  }

  /** A command line of its own: this one's standard output is not for it. */
  private int shell(String redirected, Path volume) throws Exception {
    String java =
        Path.of(System.getProperty("java.home"), "bin", "java")
            + " -XX:-UsePerfData --enable-native-access=ALL-UNNAMED -cp \"$CLASSES\" "
            + Main.class.getName()
            + " prune --volume \"$VOLUME\" --json /dev/stdout ";
    ProcessBuilder b =
        new ProcessBuilder("bash", "-c", redirected.replace("PRUNE", java))
            .directory(folder.toFile())
            .redirectError(folder.resolve("err").toFile());
    b.environment().put("CLASSES", System.getProperty("java.class.path"));
    b.environment().put("VOLUME", volume.toString());
    Process p = b.start();
    p.getOutputStream().close();
    assertEquals("", new String(p.getInputStream().readAllBytes(), UTF_8));
    return p.waitFor();
  }

  private String read(String name) throws IOException {
    return Files.readString(folder.resolve(name));
  }

  /** As a shell's reader expects: the file that it opened, from where it stands on. */
  @Test
  void standardOutputIsWrittenToWhereItIsAFileToo() throws Exception {
    Path v = volume("v.nii");
    assertEquals(0, shell("PRUNE > a", v), read("err"));
    assertTrue(read("a").startsWith("{") && read("a").endsWith("\n}\n0,1\n"), read("a"));
    assertEquals(0, shell("echo before > b; PRUNE >> b; echo after >> b", v), read("err"));
    assertEquals("before\n" + untimed(read("a")) + "after\n", untimed(read("b")));
    assertEquals(0, shell("{ echo before; PRUNE; echo after; } > c", v), read("err"));
    assertEquals("before\n" + untimed(read("a")) + "after\n", untimed(read("c")));
  }

  /** Two runs differ in what they took alone. */
  private static String untimed(String records) {
    return records.replaceAll("[0-9]+(\\.[0-9]+)?(E-?[0-9]+)?", "0");
  }

  @Test
  void ofARecordThatDoesNotFitNothingIsLeft() throws Exception {
    Path v = volume("v.nii");
    assertEquals(
        Failures.BAD_INPUT, shell("echo before > a; (ulimit -f 1; PRUNE >> a)", v), read("err"));
    assertTrue(read("err").contains("/dev/stdout could not be written"), read("err"));
    assertEquals("before\n", read("a"));
  }

  @Test
  void standardOutputIsNoFileOfTheVolume() throws Exception {
    Path v = volume("v.nii");
    byte[] before = Files.readAllBytes(v);
    assertEquals(Failures.BAD_INPUT, shell("PRUNE >> v.nii", v), read("err"));
    assertTrue(read("err").contains("would replace a file of --volume"), read("err"));
    assertArrayEquals(before, Files.readAllBytes(v));
  }

  /** Found before any work is done: the model below is none. */
  @Test
  void placesThatCannotBeAreRefusedAtOnce() throws IOException {
    String model = Files.createDirectory(folder.resolve("model")).toString();
    String v = volume("v.nii").toString();
    String out = folder.resolve("out").toString();
    List<String> ask = List.of("ask", "--model", model, "--question", "q", "--volume", v, "--json");
    List<String> files = all();
    ask(ask, out, "--report", out).assertBadInput("--json", "as a file and as a folder");
    ask(ask, out + "/report.html/a.json", "--report", out)
        .assertBadInput("--json", "as a file and as a folder");
    ask(ask, folder.resolve("n".repeat(256)).toString()).assertBadInput("--json", "too long");
    ask(ask, folder.resolve("new/" + "n".repeat(256)).toString())
        .assertBadInput("--json", "too long");
    assertEquals(files, all());
  }

  private static CliRun ask(List<String> begin, String... rest) {
    List<String> all = new ArrayList<>(begin);
    all.addAll(List.of(rest));
    return CliRun.of(all.toArray(String[]::new));
  }

  @Test
  void aNameMayBeAsLongAsTheFileSystemTakes() throws IOException {
    Path longest = folder.resolve("n".repeat(255));
    prune(volume("v.nii"), "--json", longest).assertDone();
    assertTrue(Files.readString(longest).startsWith("{"));
    assertEquals(List.of("n".repeat(255), "v.nii"), all());
  }

  /** The second file's place is taken while the run goes on. */
  @Test
  void whatWasThereIsThereAgainIfNotAllCanBeWritten() throws IOException {
    Path json = Files.writeString(folder.resolve("audit.json"), "of an earlier run");
    Path page = folder.resolve("report.html");
    Outputs outputs = Outputs.check(json, List.of(page), List.of());
    InputException e =
        assertThrows(
            InputException.class,
            () ->
                outputs.write(
                    () -> "new",
                    () -> {
                      try {
                        Files.createDirectories(page.resolve("in the way"));
                      } catch (IOException x) {
                        throw new java.io.UncheckedIOException(x);
                      }
                      return "new";
                    }));
    assertTrue(String.valueOf(e.getMessage()).contains("report.html could not be written"));
    assertEquals("of an earlier run", Files.readString(json));
    assertEquals(List.of("audit.json", "report.html", "report.html/in the way"), all());
  }

  /** A full disk, or a pipe that nobody reads. */
  @Test
  void anOutputThatCannotBeWrittenIsNoSuccess() throws IOException {
    String v = volume("v.nii").toString();
    for (String[] args :
        List.of(
            new String[] {"prune", "--volume", v},
            new String[] {"info"},
            new String[] {"--help"})) {
      ByteArrayOutputStream err = new ByteArrayOutputStream();
      int code =
          Main.run(
              new PrintStream(new Full(), true, UTF_8), new PrintStream(err, true, UTF_8), args);
      assertEquals(Failures.BAD_INPUT, code, args[0]);
      assertTrue(err.toString(UTF_8).contains("medpruner: standard output could not be"), args[0]);
    }
  }

  @Test
  void nothingIsGeneratedThatNobodyReads() {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            new PrintStream(new Full(), true, UTF_8),
            new PrintStream(err, true, UTF_8),
            "ask",
            "--stream",
            "--model",
            TestVolumes.demoModel().toString(),
            "--volume",
            TestVolumes.phantom(5).toString(),
            "--question",
            "Which organ contains the lesion?",
            "--json",
            folder.resolve("audit.json").toString());
    assertEquals(Failures.BAD_INPUT, code);
    assertEquals("medpruner ask: " + Main.LOST + "\n", err.toString(UTF_8));
    assertFalse(Files.exists(folder.resolve("audit.json")));
  }

  private static final class Full extends OutputStream {
    @Override
    public void write(int b) throws IOException {
      throw new IOException("No space left on device");
    }
  }
}
