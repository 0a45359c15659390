package org.medpruner.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.maven.shared.invoker.DefaultInvocationRequest;
import org.apache.maven.shared.invoker.DefaultInvoker;
import org.apache.maven.shared.invoker.InvocationRequest;
import org.apache.maven.shared.invoker.MavenInvocationException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Builds and runs every consumer project of this folder as its reader would: a Maven of its own,
 * from the installed artifacts. The local repository began empty and holds what the invoker plugin
 * installed; anything else comes from the machine's repository, as from a remote one, or Central.
 */
class ExamplesIT {
  private static final Path FOLDER = folder("examples.folder");
  private static final Path REPOSITORY = folder("examples.repository");
  private static final int MOST_LINES = 60;

  private static Path folder(String property) {
    return Path.of(System.getProperty(property));
  }

  @TestFactory
  List<DynamicTest> examples() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    try (Stream<Path> folders = Files.list(FOLDER)) {
      folders
          .filter(f -> Files.isRegularFile(f.resolve("pom.xml")))
          .sorted()
          .forEach(f -> tests.add(DynamicTest.dynamicTest(name(f), () -> run(f, List.of()))));
    }
    assertFalse(tests.isEmpty(), "no projects in " + FOLDER);
    return tests;
  }

  /** On a device, where an example that finds none fails. */
  @TestFactory
  @Tag("gpu")
  List<DynamicTest> examplesOnADevice() {
    if (!Boolean.getBoolean("medpruner.requireGpu")) {
      String reason = "no -Dmedpruner.requireGpu=true, with which ./medpruner gpu-test runs it";
      System.out.println("skipped ExamplesIT.examplesOnADevice: " + reason);
      Assumptions.abort(reason);
    }
    return List.of(
        onADevice("cuda-pointers", List.of(), "cuda:0: kept slices [0, 8, 16]"),
        onADevice("libtorch", List.of("gpu"), "cuda:0: kept "));
  }

  private static DynamicTest onADevice(String name, List<String> profiles, String said) {
    return DynamicTest.dynamicTest(
        name,
        () -> {
          String output = run(FOLDER.resolve(name), profiles);
          assertTrue(output.contains(said), output);
        });
  }

  private static String name(Path folder) {
    return folder.getFileName().toString();
  }

  /** Those in C too, which ctest builds and runs. */
  @Test
  void everyExampleIsShort() throws IOException {
    List<Path> projects;
    try (Stream<Path> folders = Files.list(FOLDER)) {
      projects = folders.filter(ExamplesIT::isProject).toList();
    }
    int counted = 0;
    for (Path project : projects) {
      try (Stream<Path> files = Files.walk(project)) {
        for (Path source : files.filter(ExamplesIT::isSource).toList()) {
          int lines = Files.readAllLines(source).size();
          assertTrue(lines < MOST_LINES, source + " has " + lines + " lines");
          counted++;
        }
      }
    }
    assertTrue(counted >= projects.size(), projects.size() + " projects, sources: " + counted);
  }

  private static boolean isSource(Path file) {
    String name = FOLDER.relativize(file).toString();
    return name.matches(".*\\.(java|c)") && !name.contains("/target/");
  }

  private static boolean isProject(Path folder) {
    return Files.isRegularFile(folder.resolve("pom.xml"))
        || Files.isRegularFile(folder.resolve("CMakeLists.txt"));
  }

  private static String run(Path example, List<String> profiles)
      throws IOException, MavenInvocationException {
    InvocationRequest request = new DefaultInvocationRequest();
    request.setPomFile(example.resolve("pom.xml").toFile());
    request.addArgs(List.of("clean", "verify"));
    request.setProfiles(profiles);
    request.setBatchMode(true);
    request.setQuiet(true);
    request.setNoTransferProgress(true);
    request.setJavaHome(new File(System.getProperty("java.home")));
    request.setMavenHome(new File(System.getProperty("maven.home")));
    request.setLocalRepositoryDirectory(REPOSITORY.toFile());
    request.setMavenOpts("-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"); // as in .mvn/jvm.config
    request.setGlobalSettingsFile(settings().toFile());
    List<String> output = new ArrayList<>();
    request.setOutputHandler(output::add);
    request.setErrorHandler(output::add);
    int code = new DefaultInvoker().execute(request).getExitCode();
    output.forEach(line -> System.out.println(name(example) + ": " + line));
    String text = String.join("\n", output);
    assertEquals(0, code, text);
    return text;
  }

  /** The machine's repository as a remote one, so that nothing is downloaded twice. */
  private static Path settings() throws IOException {
    String url = folder("examples.cache").toUri().toString();
    String repository =
        "<id>machine</id><url>"
            + url
            + "</url><releases><checksumPolicy>ignore</checksumPolicy></releases>"
            + "<snapshots><enabled>false</enabled></snapshots>";
    return Files.writeString(
        REPOSITORY.resolveSibling("settings.xml"),
        """
        <settings>
          <profiles><profile>
            <id>machine</id>
            <repositories><repository>%1$s</repository></repositories>
            <pluginRepositories><pluginRepository>%1$s</pluginRepository></pluginRepositories>
          </profile></profiles>
          <activeProfiles><activeProfile>machine</activeProfile></activeProfiles>
        </settings>
        """
            .formatted(repository));
  }
}
