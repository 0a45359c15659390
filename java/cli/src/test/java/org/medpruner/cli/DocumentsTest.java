package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What documents and build files say that no compiler reads. */
class DocumentsTest {
  private static final Path ROOT = TestVolumes.root();
  private static final Set<String> MADE = Set.of("build", "out", "shared", "target");

  /** Of an artifact of this project, or of the examples, which name it once; not a property. */
  private static final Pattern ARTIFACT =
      Pattern.compile(
          "(?:>medpruner-[a-z0-9]+</artifactId>\\s*<version>|<medpruner\\.version>)([^<$]+)<");

  private static final Pattern PROJECT = Pattern.compile("project\\(medpruner VERSION ([0-9.]+) ");
  private static final Pattern PACKAGE = Pattern.compile("find_package\\(medpruner ([0-9.]+)[ )]");

  /** The files of a tree with that ending, without what builds made. */
  private static List<Path> files(Path root, String ending) throws IOException {
    List<Path> found = new ArrayList<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            String name = folder.getFileName().toString();
            boolean skipped = MADE.contains(name) || name.startsWith(".");
            return skipped && !folder.equals(root)
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (file.getFileName().toString().endsWith(ending)) {
              found.add(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return found;
  }

  /** Files of a tree that name the version; the documents last. */
  private static List<Path> named(Path root) throws IOException {
    List<Path> files = files(root, "pom.xml");
    files.addAll(files(root, "CMakeLists.txt"));
    files.addAll(files(root, ".md"));
    return files;
  }

  private static int check(Path file, Pattern pattern, String expected) throws IOException {
    List<MatchResult> found = pattern.matcher(Files.readString(file)).results().toList();
    found.forEach(m -> assertEquals(expected, m.group(1), file + ": " + m.group()));
    return found.size();
  }

  private static String version(Path root) throws IOException {
    return ARTIFACT
        .matcher(Files.readString(root.resolve("pom.xml")))
        .results()
        .findFirst()
        .orElseThrow()
        .group(1);
  }

  /** What has to be changed for a release and was forgotten fails here, not at who copies it. */
  private static void assertOneVersion(Path root) throws IOException {
    String version = version(root);
    String number = version.replace("-SNAPSHOT", "");
    String minor = number.substring(0, number.lastIndexOf('.'));
    int documents = 0;
    int projects = 0;
    int packages = 0;
    for (Path file : named(root)) {
      int artifacts = check(file, ARTIFACT, version);
      if (file.endsWith("pom.xml")) {
        assertTrue(artifacts > 0, file + " names no version");
      } else {
        documents += artifacts;
      }
      projects += check(file, PROJECT, number);
      packages += check(file, PACKAGE, minor);
    }
    assertEquals(1, projects);
    assertTrue(documents >= 3, "README.md, releasing.md and conformance.md show a dependency");
    assertTrue(packages >= 3, "README.md, abi.md and examples/c find the package");
  }

  @Test
  void oneVersionIsNamedEverywhere() throws IOException {
    assertOneVersion(ROOT);
  }

  @Test
  void theScriptOfAReleaseSetsAllOfThem(@TempDir Path copy) throws Exception {
    List<Path> files = named(ROOT);
    files.add(ROOT.resolve("tools/set-version.sh"));
    for (Path file : files) {
      Path to = copy.resolve(ROOT.relativize(file));
      Files.createDirectories(to.getParent());
      Files.copy(file, to);
    }
    for (String version : List.of("12.34.5", "12.35.0-SNAPSHOT")) {
      assertEquals("", setVersion(0, copy, version));
      assertEquals(version, version(copy));
      assertOneVersion(copy);
    }
    assertNotEquals(version(ROOT), version(copy));
    String refused = setVersion(2, copy, "1.0");
    assertTrue(refused.startsWith("set-version: \"1.0\" is no version, expected"), refused);
  }

  private static String setVersion(int status, Path tree, String version) throws Exception {
    String script = tree.resolve("tools/set-version.sh").toString();
    Process p = new ProcessBuilder("bash", script, version).redirectErrorStream(true).start();
    p.getOutputStream().close();
    String out = new String(p.getInputStream().readAllBytes(), UTF_8).strip();
    assertEquals(status, p.waitFor(), out);
    return out;
  }

  /** Where no test is found, as in a folder without any, ctest ends well unless told otherwise. */
  @Test
  void noCommandOfCtestSucceedsWithoutTests() throws IOException {
    Pattern command = Pattern.compile("\\bctest -.*");
    Pattern safe = Pattern.compile("ctest --test-dir \\S+ --no-tests=error\\b.*");
    int found = 0;
    for (Path file : files(ROOT, ".md")) {
      for (MatchResult m : command.matcher(Files.readString(file)).results().toList()) {
        assertTrue(safe.matcher(m.group()).matches(), file + ": " + m.group());
        found++;
      }
    }
    assertTrue(found > 0);
  }
}
