package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher itself, in a tree of nothing but what it looks at, before tools that only echo. */
class LauncherTest {
  private static final String JAVA =
      """
      #!/bin/sh
      [ "$1" = -XshowSettings:properties ] && echo "    java.specification.version = 25" && exit
      echo "LC_ALL=$LC_ALL"
      """;

  /** Makes the jar, as Maven does; later than what was there before it began. */
  private static final String MAVEN =
      """
      #!/bin/sh
      echo "mvn $*" >>calls
      sleep 0.05
      echo "$*" >java/cli/target/medpruner.jar
      [ ! -e fail ]
      """;

  /** Makes the folder of an installation, with a suite that passes. */
  private static final String CMAKE =
      """
      #!/bin/sh
      echo "cmake $*" >>calls
      for word; do
        if [ "$last" = --prefix ]; then
          mkdir -p "$word" && echo '#!/bin/sh' >"$word/run.sh" && chmod +x "$word/run.sh" || exit
        fi
        last=$word
      done
      """;

  private static final String CTEST =
      """
      #!/bin/sh
      echo "ctest $*" >>calls
      mkdir -p build/native/Testing/Temporary && : >build/native/Testing/Temporary/LastTest.log
      """;

  @TempDir Path folder;

  private void tool(String name, String script) throws IOException {
    Path tool = Files.writeString(folder.resolve(name), script);
    assertTrue(tool.toFile().setExecutable(true));
  }

  private Path tree() throws IOException {
    Path launcher = folder.resolve("medpruner");
    Files.copy(TestVolumes.root().resolve("medpruner"), launcher);
    for (String name : List.of("java/cli/target", "native", "cmake", "jdk/bin", "bin")) {
      Files.createDirectories(folder.resolve(name));
    }
    tool("jdk/bin/java", JAVA);
    tool("bin/mvn", MAVEN);
    tool("bin/cmake", CMAKE);
    tool("bin/ctest", CTEST);
    tool("bin/c++", "#!/bin/sh\n");
    tool("bin/nvidia-smi", "#!/bin/sh\necho 8.6\n");
    Files.createFile(folder.resolve("CMakeLists.txt"));
    Files.createFile(folder.resolve("pom.xml"));
    // The last one, so that nothing is out of date.
    Files.createFile(folder.resolve("java/cli/target/medpruner.jar"));
    return launcher;
  }

  private ProcessBuilder process(Path launcher, String... arguments) {
    List<String> command = new ArrayList<>(List.of("bash", launcher.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder b = new ProcessBuilder(command).directory(folder.toFile());
    b.environment().remove("MEDPRUNER_MAVEN_OPTS");
    b.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    b.environment().put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
    return b;
  }

  /** Runs the launcher, which must end with a status, and gives what it called meanwhile. */
  private List<String> calls(int status, ProcessBuilder launcher) throws Exception {
    Path calls = folder.resolve("calls");
    Files.deleteIfExists(calls);
    Process p = launcher.redirectErrorStream(true).start();
    p.getOutputStream().close();
    String out = new String(p.getInputStream().readAllBytes(), UTF_8);
    assertEquals(status, p.waitFor(), out);
    return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
  }

  private List<String> calls(ProcessBuilder launcher) throws Exception {
    return calls(0, launcher);
  }

  private static ProcessBuilder with(String options, ProcessBuilder launcher) {
    launcher.environment().put("MEDPRUNER_MAVEN_OPTS", options);
    return launcher;
  }

  /** The arguments of one Maven that made the command line's jar, without those it always gets. */
  private static String options(List<String> calls) {
    assertEquals(1, calls.size(), calls.toString());
    String call = calls.get(0);
    String begin =
        "mvn -B -q -Dstyle.color=never -Dmaven.test.skip=true -Dspotless.check.skip=true";
    String end = " -pl java/cli -am package";
    assertTrue(call.startsWith(begin) && call.endsWith(end), call);
    return call.substring(begin.length(), call.length() - end.length()).strip();
  }

  private String localeOf(Path launcher, Map<String, String> locale) throws Exception {
    ProcessBuilder b = process(launcher, "info");
    b.environment().keySet().removeIf(k -> k.startsWith("LC_") || k.equals("LANG"));
    b.environment().putAll(locale);
    Process p = b.start();
    p.getOutputStream().close();
    String out = new String(p.getInputStream().readAllBytes(), UTF_8).strip();
    assertEquals(0, p.waitFor(), new String(p.getErrorStream().readAllBytes(), UTF_8));
    return out;
  }

  /** On a fresh clone that would be the whole build. */
  @Test
  void whatIsNoBenchmarkIsRefusedBeforeAnythingIsBuilt() throws Exception {
    Path launcher = tree();
    assertEquals(List.of(), calls(2, process(launcher, "bench", "foo")));
    assertEquals(List.of(), calls(0, process(launcher, "bench", "--help")));
    Process p = process(launcher, "bench", "--help").redirectErrorStream(true).start();
    String out = new String(p.getInputStream().readAllBytes(), UTF_8);
    String all = "jmh native gpu lesions model cost compare serve plot --turns --only --output";
    for (String word : all.split(" ")) {
      assertTrue(out.contains(word), out);
    }
  }

  /** The first lines of the launcher are where the command line's help sends its reader. */
  @Test
  void theFirstLinesNameEveryCommand() throws IOException {
    List<String> lines = Files.readAllLines(TestVolumes.root().resolve("medpruner"));
    String head =
        String.join("\n", lines.stream().skip(1).takeWhile(l -> l.startsWith("#")).toList());
    for (String own : List.of("test", "build", "bench", "gpu-test", "gpu-pack")) {
      assertTrue(head.contains("#   ./medpruner " + own + " "), own);
    }
    String rest = head.substring(head.indexOf("goes to the command line: "));
    for (String command :
        List.of("ask", "prune", "compare", "eval", "serve", "demo", "phantom", "info")) {
      assertTrue(rest.matches("(?s).*\\b" + command + "\\b.*"), command);
    }
  }

  /** A tree whose build is done, in which each program says what it was called with. */
  private String bench(String threads, String... arguments) throws Exception {
    Path launcher = tree();
    for (String name : List.of("bench/target", "build/native/bench/native")) {
      Files.createDirectories(folder.resolve(name));
    }
    tool("bin/python3", "#!/bin/sh\necho \"python3 $*\"\n");
    tool("build/native/bench/native/medpruner_bench", "#!/bin/sh\necho \"medpruner_bench $*\"\n");
    tool(
        "jdk/bin/java",
        JAVA.replace("LC_ALL=$LC_ALL", "threads $MEDPRUNER_THREADS $OMP_NUM_THREADS"));
    Files.createFile(folder.resolve("bench/target/class-path.txt"));
    List<String> command = new ArrayList<>(List.of("bench"));
    command.addAll(List.of(arguments));
    ProcessBuilder b = process(launcher, command.toArray(String[]::new)).redirectErrorStream(true);
    b.environment().put("MEDPRUNER_BENCH_THREADS", threads);
    Process p = b.start();
    p.getOutputStream().close();
    String out = new String(p.getInputStream().readAllBytes(), UTF_8).strip();
    assertEquals(0, p.waitFor(), out);
    return out;
  }

  /** Those that set no number of threads themselves take the library's default. */
  @ParameterizedTest
  @ValueSource(strings = {"jmh", "lesions", "--turns"})
  void theThreadsOfABenchmarkAreTheLibrarysToo(String program) throws Exception {
    assertEquals("threads 3 3", bench("3", program));
  }

  @Test
  void allRowsOfAGpuAreWrittenAndTheBaselinesRun() throws Exception {
    String file = folder.resolve("bench/results").toString();
    assertEquals(
        List.of(
            "medpruner_bench --threads 2 --cuda --output " + file + "/gpu.json --runs 9",
            "python3 -c import torch, sys; sys.exit(not torch.cuda.is_available())",
            "python3 "
                + folder.resolve("bench/gpu_baselines.py")
                + " --library "
                + folder.resolve("build/native/native/libmedpruner.so")
                + " --output "
                + file
                + "/gpu-torch.json"),
        bench("2", "gpu", "--runs", "9").lines().toList());
  }

  /** Else the file of all rows would hold some. */
  @Test
  void someRowsOfAGpuReplaceNoResults() throws Exception {
    assertEquals(
        "medpruner_bench --threads 2 --cuda --runs 9 --only prune",
        bench("2", "gpu", "--runs", "9", "--only", "prune"));
  }

  /** Java would take each letter beyond ASCII for a question mark, and find no such file. */
  @Test
  void whereLettersBeyondAsciiCannotBeReadTheLocaleIsReplaced() throws Exception {
    Path launcher = tree();
    for (Map<String, String> locale :
        List.of(
            Map.<String, String>of(),
            Map.of("LANG", "C"),
            Map.of("LC_ALL", "POSIX"),
            Map.of("LANG", "xx_NOWHERE.UTF-8"),
            Map.of("LANG", "C.UTF-8", "LC_ALL", "xx_NOWHERE.UTF-8"))) {
      assertEquals("LC_ALL=C.UTF-8", localeOf(launcher, locale), locale.toString());
    }
    assertEquals("LC_ALL=", localeOf(launcher, Map.of("LANG", "C.UTF-8")));
  }

  /** Once -Pgpu is built, a shell without the variable must not bring the CPU's LibTorch back. */
  @Test
  void theOptionsOfTheLastBuildStay() throws Exception {
    Path launcher = tree();
    Path jar = folder.resolve("java/cli/target/medpruner.jar");
    assertEquals(List.of(), calls(process(launcher, "info")));
    assertEquals("-Pgpu", options(calls(with("-Pgpu", process(launcher, "build")))));
    assertEquals(List.of(), calls(process(launcher, "info")));
    assertEquals(List.of(), calls(with("-Pgpu", process(launcher, "info"))));
    Files.setLastModifiedTime(jar, FileTime.fromMillis(0)); // every source is newer
    assertEquals("-Pgpu", options(calls(process(launcher, "info"))));
    assertEquals("-Pmkl -o", options(calls(with("-Pmkl -o", process(launcher, "info")))));
    assertEquals(List.of(), calls(process(launcher, "info")));
    assertEquals("", options(calls(with("", process(launcher, "info")))));
    assertEquals(List.of(), calls(process(launcher, "info")));
  }

  /** A toolkit that was installed and a build folder that was deleted are no newer sources. */
  @Test
  void buildAlwaysAsksMaven() throws Exception {
    Path launcher = tree();
    assertEquals("", options(calls(process(launcher, "build"))));
    assertEquals("", options(calls(process(launcher, "build"))));
    assertEquals("-Pgpu", options(calls(with("-Pgpu", process(launcher, "build")))));
    assertEquals("-Pgpu", options(calls(process(launcher, "build"))));
  }

  @Test
  void aBuildThatFailsIsNotRemembered() throws Exception {
    Path launcher = tree();
    calls(with("-Pmkl", process(launcher, "build")));
    Path fail = Files.createFile(folder.resolve("fail"));
    assertEquals("-Pgpu", options(calls(2, with("-Pgpu", process(launcher, "build")))));
    Files.delete(fail);
    assertEquals("-Pmkl", options(calls(process(launcher, "build"))));
  }

  @Test
  void theTestsMakeTheJarWithTheSameOptions() throws Exception {
    Path launcher = tree();
    calls(with("-Pgpu", process(launcher, "build")));
    List<String> calls = calls(process(launcher, "test", "-Dx=y"));
    assertEquals("mvn -B verify -Pgpu -Dx=y", calls.getLast());
    String ctest = calls.get(calls.size() - 2);
    assertTrue(ctest.startsWith("ctest ") && ctest.contains(" --no-tests=error "), ctest);
    assertEquals(List.of(), calls(process(launcher, "info")));
    // The jar was made before the tests failed.
    Path fail = Files.createFile(folder.resolve("fail"));
    calls = calls(1, with("-Pmkl", process(launcher, "test")));
    assertEquals("mvn -B verify -Pmkl", calls.getLast());
    Files.delete(fail);
    assertEquals(List.of(), calls(with("-Pmkl", process(launcher, "info"))));
  }

  @Test
  void aJarThatMavenMadeByHandIsMadeAgainWithTheOptions() throws Exception {
    Path launcher = tree();
    Path jar = folder.resolve("java/cli/target/medpruner.jar");
    FileTime later = FileTime.from(Instant.now().plusSeconds(60));
    Files.setLastModifiedTime(jar, later);
    assertEquals(List.of(), calls(process(launcher, "info")), "no options, nothing to lose");
    calls(with("-Pgpu", process(launcher, "build")));
    Files.setLastModifiedTime(jar, later);
    assertEquals("-Pgpu", options(calls(process(launcher, "info"))));
    assertEquals(List.of(), calls(process(launcher, "info")));
  }

  /** The Java tests load the library of build/native, which is for sm_90 unless told otherwise. */
  @Test
  void theTestsOfAGpuBuildBothLibrariesForIt() throws Exception {
    Path launcher = tree();
    Path root = folder.toRealPath();
    List<String> calls = calls(with("-Pgpu", process(launcher, "gpu-test")));
    assertEquals(
        "mvn -B verify -Pgpu -Dmedpruner.requireGpu=true -Dgroups=gpu"
            + " -Dsurefire.failIfNoSpecifiedTests=false",
        calls.getLast());
    for (String build : List.of("gpu", "native")) {
      String configure = "cmake -S " + root + " -B " + root.resolve("build/" + build) + " ";
      assertTrue(
          calls.stream()
              .anyMatch(c -> c.startsWith(configure) && c.contains("-DMEDPRUNER_CUDA_ARCHS=86")),
          calls.toString());
    }
  }
}
