package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher itself, in a tree of nothing but what it looks at, before a java that echoes. */
class LauncherTest {
  private static final String JAVA =
      """
      #!/bin/sh
      [ "$1" = -XshowSettings:properties ] && echo "    java.specification.version = 25" && exit
      echo "LC_ALL=$LC_ALL"
      """;

  @TempDir Path folder;

  private Path tree() throws IOException {
    Path launcher = folder.resolve("medpruner");
    Files.copy(TestVolumes.root().resolve("medpruner"), launcher);
    for (String name : List.of("java/cli/target", "native", "cmake", "jdk/bin")) {
      Files.createDirectories(folder.resolve(name));
    }
    Path java = Files.writeString(folder.resolve("jdk/bin/java"), JAVA);
    assertTrue(java.toFile().setExecutable(true));
    Files.createFile(folder.resolve("CMakeLists.txt"));
    Files.createFile(folder.resolve("pom.xml"));
    // The last one, so that nothing is out of date.
    Files.createFile(folder.resolve("java/cli/target/medpruner.jar"));
    return launcher;
  }

  private String localeOf(Path launcher, Map<String, String> locale) throws Exception {
    ProcessBuilder b = new ProcessBuilder("bash", launcher.toString(), "info");
    b.environment().keySet().removeIf(k -> k.startsWith("LC_") || k.equals("LANG"));
    b.environment().putAll(locale);
    b.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    Process p = b.start();
    p.getOutputStream().close();
    String out = new String(p.getInputStream().readAllBytes(), UTF_8).strip();
    assertEquals(0, p.waitFor(), new String(p.getErrorStream().readAllBytes(), UTF_8));
    return out;
  }

  /** A tree whose build is done, in which each program says what it was called with. */
  private String bench(String threads, String... arguments) throws Exception {
    Path launcher = tree();
    for (String name : List.of("bin", "bench/target", "build/native/bench/native")) {
      Files.createDirectories(folder.resolve(name));
    }
    for (String name : List.of("mvn", "cmake", "c++")) {
      program("bin/" + name, "exit 0");
    }
    program("bin/python3", "echo \"python3 $*\"");
    program("build/native/bench/native/medpruner_bench", "echo \"medpruner_bench $*\"");
    program(
        "jdk/bin/java",
        "[ \"$1\" = -XshowSettings:properties ] && echo 'java.specification.version = 25' && exit",
        "echo \"threads $MEDPRUNER_THREADS $OMP_NUM_THREADS\"");
    Files.createFile(folder.resolve("bench/target/class-path.txt"));
    List<String> command = new ArrayList<>(List.of("bash", launcher.toString(), "bench"));
    command.addAll(List.of(arguments));
    ProcessBuilder b = new ProcessBuilder(command).redirectErrorStream(true);
    b.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    b.environment().put("PATH", folder.resolve("bin") + ":" + System.getenv("PATH"));
    b.environment().put("MEDPRUNER_BENCH_THREADS", threads);
    Process p = b.start();
    p.getOutputStream().close();
    String out = new String(p.getInputStream().readAllBytes(), UTF_8).strip();
    assertEquals(0, p.waitFor(), out);
    return out;
  }

  private void program(String name, String... lines) throws IOException {
    Path file = folder.resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
    assertTrue(file.toFile().setExecutable(true));
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
}
