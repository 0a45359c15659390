package org.medpruner.internal.ffm;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Assumptions;

/** A JVM of its own for what can be done only once per process, or ends it. */
final class ChildJvm {
  private final List<String> options = new ArrayList<>();
  private String classPath = System.getProperty("java.class.path");
  private boolean nativeAccess = true;

  /** What a child did. */
  record Result(int status, String output) {}

  /**
   * A child with the host executor as its library, which stands in for a device; where that is not
   * built the test is skipped.
   *
   * @param test as it is to be named in the reason
   */
  static ChildJvm onTheSimtExecutor(String test) {
    String path = "build/native/native/tests/simt/libmedpruner_simt.so";
    Path root = Path.of(Objects.requireNonNullElse(System.getenv("MEDPRUNER_ROOT"), "../.."));
    Path library = root.resolve(path);
    if (!Files.isRegularFile(library)) {
      String reason = "no " + path + "; ./medpruner test builds it";
      System.out.println("skipped " + test + ": " + reason);
      Assumptions.abort(reason);
    }
    return new ChildJvm().option("-Dmedpruner.library.path=" + library.toAbsolutePath());
  }

  ChildJvm option(String option) {
    options.add(option);
    return this;
  }

  /** Without the natives jar, or with another in front of it. */
  ChildJvm natives(Path... instead) {
    List<String> entries = new ArrayList<>(Arrays.stream(instead).map(Path::toString).toList());
    for (String entry : classPath.split(File.pathSeparator, -1)) {
      if (!isNatives(entry)) {
        entries.add(entry);
      }
    }
    classPath = String.join(File.pathSeparator, entries);
    return this;
  }

  private static boolean isNatives(String entry) {
    return entry.contains("medpruner-natives") || entry.contains("java/natives/");
  }

  /** Where this JVM has the natives: a jar, or the folder that it is made of. */
  static Path nativesEntry() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(ChildJvm::isNatives)
        .map(Path::of)
        .findFirst()
        .orElseThrow();
  }

  ChildJvm withoutNativeAccess() {
    nativeAccess = false;
    return this;
  }

  Process start(Class<?> main, String... arguments) throws IOException {
    return start(List.of("-cp", classPath, main.getName()), arguments);
  }

  private Process start(List<String> program, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx256m"));
    if (nativeAccess) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(options);
    command.addAll(program);
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  Result run(Class<?> main, String... arguments) throws IOException, InterruptedException {
    return finish(start(main, arguments));
  }

  /** Runs "module/class" of a module path; nothing is on the class path. */
  Result runModule(String main, List<Path> modulePath) throws IOException, InterruptedException {
    List<String> entries = modulePath.stream().map(Path::toString).toList();
    String path = String.join(File.pathSeparator, entries);
    return finish(start(List.of("--module-path", path, "--module", main)));
  }

  static Result finish(Process process) throws IOException, InterruptedException {
    AtomicBoolean hung = new AtomicBoolean();
    // A child that hangs is a failure; the bound is far beyond what a loaded machine needs.
    Thread watch =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    if (!process.waitFor(2, TimeUnit.MINUTES)) {
                      hung.set(true);
                      process.destroyForcibly();
                    }
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    try (var in = process.getInputStream()) {
      String output = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      watch.join();
      if (hung.get()) {
        throw new AssertionError("the child did not end; it said: " + output);
      }
      return new Result(process.exitValue(), output);
    }
  }

  /** Compiles a C file with the machine's compiler; false, and said so, where there is none. */
  static boolean compile(Path source, Path target, String... flags)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of("cc", source.toString(), "-o", target.toString()));
    command.addAll(List.of(flags));
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      System.out.println("skipped: no C compiler named cc (" + e.getMessage() + ")");
      return false;
    }
    Result result = finish(process);
    if (result.status != 0 || !Files.exists(target)) {
      throw new AssertionError(result.output);
    }
    return true;
  }
}
