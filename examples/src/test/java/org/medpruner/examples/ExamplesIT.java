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
import org.junit.jupiter.api.DynamicTest;
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
          .forEach(f -> tests.add(DynamicTest.dynamicTest(name(f), () -> run(f))));
    }
    assertFalse(tests.isEmpty(), "no projects in " + FOLDER);
    return tests;
  }

  private static String name(Path folder) {
    return folder.getFileName().toString();
  }

  private static void run(Path example) throws IOException, MavenInvocationException {
    try (Stream<Path> sources = Files.walk(example.resolve("src"))) {
      for (Path source : sources.filter(f -> f.toString().endsWith(".java")).toList()) {
        int lines = Files.readAllLines(source).size();
        assertTrue(lines < MOST_LINES, source + " has " + lines + " lines");
      }
    }
    InvocationRequest request = new DefaultInvocationRequest();
    request.setPomFile(example.resolve("pom.xml").toFile());
    request.addArgs(List.of("clean", "verify"));
    request.setBatchMode(true);
    request.setQuiet(true);
    request.setNoTransferProgress(true);
    request.setJavaHome(new File(System.getProperty("java.home")));
    request.setMavenHome(new File(System.getProperty("maven.home")));
    request.setLocalRepositoryDirectory(REPOSITORY.toFile());
    request.setGlobalSettingsFile(settings().toFile());
    List<String> output = new ArrayList<>();
    request.setOutputHandler(output::add);
    request.setErrorHandler(output::add);
    int code = new DefaultInvoker().execute(request).getExitCode();
    output.forEach(line -> System.out.println(name(example) + ": " + line));
    assertEquals(0, code, () -> String.join("\n", output));
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
