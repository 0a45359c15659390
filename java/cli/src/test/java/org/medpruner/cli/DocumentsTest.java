package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

/** What documents and build files say that no compiler reads. */
class DocumentsTest {
  private static final Path ROOT = TestVolumes.root();
  private static final Set<String> MADE = Set.of("build", "out", "shared", "target");

  /** Of an artifact of this project, or of the examples, which name it once; not a property. */
  private static final Pattern ARTIFACT =
      Pattern.compile(
          "(?:>medpruner-[a-z0-9]+</artifactId>\\s*<version>|<medpruner\\.version>)([^<$]+)<");

  /** Of an artifact of this project. */
  private static final Pattern GROUP =
      Pattern.compile("<groupId>([^<]+)</groupId>\\s*<artifactId>medpruner-");

  /** In releasing.md, above the table of artifacts. */
  private static final Pattern GROUP_OF_ALL = Pattern.compile("All are `([^`]+)`; versions");

  /** LibTorch with CUDA, which a program adds for itself. */
  private static final Pattern CUDA_LIBTORCH =
      Pattern.compile(
          "<artifactId>pytorch</artifactId>\\s*<version>([^<]+)</version>\\s*"
              + "<classifier>linux-x86_64-gpu</classifier>");

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
    copyTo(copy, "tools/set-version.sh");
    Pattern foreign = Pattern.compile("<jspecify\\.version>([^<]+)<");
    String same = only(foreign, ROOT.resolve("pom.xml"));
    for (String version : List.of("12.34.5", "12.35.0-SNAPSHOT", same, "12.36.0-SNAPSHOT")) {
      assertEquals("", run(0, copy, "tools/set-version.sh", version));
      assertEquals(version, version(copy));
      assertOneVersion(copy);
      assertEquals(same, only(foreign, copy.resolve("pom.xml")), "a library of that number stays");
    }
    assertNotEquals(version(ROOT), version(copy));
    String day = "<project.build.outputTimestamp>" + LocalDate.now(ZoneOffset.UTC) + "T00:00:00Z<";
    assertTrue(Files.readString(copy.resolve("pom.xml")).contains(day), "jars of another day");
    String refused = run(2, copy, "tools/set-version.sh", "1.0");
    assertTrue(refused.startsWith("set-version: \"1.0\" is no version, expected"), refused);
  }

  private static String group(Path root) throws IOException {
    Pattern own = Pattern.compile("<groupId>([^<]+)</groupId>\\s*<artifactId>medpruner-parent<");
    return only(own, root.resolve("pom.xml"));
  }

  private static void assertOneGroup(Path root) throws IOException {
    String group = group(root);
    int documents = 0;
    int sentences = 0;
    for (Path file : named(root)) {
      int artifacts = check(file, GROUP, group);
      if (file.endsWith("pom.xml")) {
        assertTrue(artifacts > 0, file + " names no group");
      } else {
        documents += artifacts;
      }
      sentences += check(file, GROUP_OF_ALL, group);
    }
    assertTrue(documents >= 3, "README.md, releasing.md and conformance.md show a dependency");
    assertEquals(1, sentences);
  }

  @Test
  void oneGroupIsNamedEverywhere() throws IOException {
    assertOneGroup(ROOT);
  }

  /** For who publishes it and does not hold this one's domain. */
  @Test
  void theScriptForAnotherGroupSetsAllOfThem(@TempDir Path copy) throws Exception {
    List<Path> files = copyTo(copy, "tools/set-group.sh");
    for (String group : List.of("io.github.some-one", "com.Example.x_1")) {
      assertEquals("", run(0, copy, "tools/set-group.sh", group));
      assertEquals(group, group(copy));
      assertOneGroup(copy);
      assertOneVersion(copy);
      for (Path file : files(copy, "pom.xml")) {
        String text = Files.readString(file);
        assertFalse(text.contains(group(ROOT) + "<"), file + " names the old group");
      }
    }
    for (String wrong : List.of("medpruner", "a.b c", "a..b", "a.b/c", "")) {
      String refused = run(2, copy, "tools/set-group.sh", wrong);
      assertTrue(refused.startsWith("set-group: \"" + wrong + "\" is no group, exp"), refused);
    }
    // Packages, modules and the domain of the ONNX ops were left alone, for all is as it was.
    assertEquals("", run(0, copy, "tools/set-group.sh", group(ROOT)));
    for (Path file : files) {
      Path there = copy.resolve(ROOT.relativize(file));
      assertEquals(-1, Files.mismatch(file, there), () -> there + " is not as before");
    }
  }

  /** An artifact is never withdrawn: one with a stand-in for its source's address would stay so. */
  @Test
  void theScriptOfWhoPublishesSetsBothPoms(@TempDir Path copy) throws Exception {
    copyTo(copy, "tools/set-publisher.sh");
    List<Path> poms = List.of(copy.resolve("pom.xml"), copy.resolve("java/bom/pom.xml"));
    String before = Files.readString(poms.getFirst());
    String[][] publishers = {
      {"https://github.com/some-one/med.pruner", "O'Neil & Söhne | <lab> \\1"},
      {"https://git.example.org/~one/two/three", "A"}
    };
    for (String[] publisher : publishers) {
      assertEquals("", run(0, copy, "tools/set-publisher.sh", publisher));
      for (Path pom : poms) {
        XPath at = XPathFactory.newInstance().newXPath();
        Document document =
            DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(pom.toFile());
        assertEquals(
            publisher[1], at.evaluate("/project/developers/developer/name", document), "" + pom);
        String address = publisher[0];
        assertEquals(address, at.evaluate("/project/scm/url", document), "" + pom);
        for (String connection : List.of("connection", "developerConnection")) {
          String found = at.evaluate("/project/scm/" + connection, document);
          assertEquals("scm:git:" + address + ".git", found, "" + pom);
        }
      }
    }
    // Nothing else has changed.
    Pattern own = Pattern.compile("(?s)(<developers>.*?</developers>)|(<scm\\b.*?</scm>)");
    assertEquals(
        own.matcher(before).replaceAll(""),
        own.matcher(Files.readString(poms.getFirst())).replaceAll(""));

    for (String wrong :
        List.of(
            "", "github.com/a/b", "https://a.org", "https://a.org/b.git", "https://a.invalid/b")) {
      String refused = run(2, copy, "tools/set-publisher.sh", wrong, "A");
      String expected = "set-publisher: \"" + wrong + "\" is no address, expected";
      assertTrue(refused.startsWith(expected), refused);
    }
    for (String wrong : List.of("", " ", "a\nb", "MedPruner maintainers")) {
      String refused = run(2, copy, "tools/set-publisher.sh", "https://a.org/b", wrong);
      String expected = "set-publisher: \"" + wrong + "\" is no name, expected";
      assertTrue(refused.startsWith(expected), refused);
    }
  }

  /** Copies what names versions and groups, and a script; gives what was copied. */
  private static List<Path> copyTo(Path copy, String script) throws IOException {
    List<Path> files = named(ROOT);
    files.add(ROOT.resolve(script));
    for (Path file : files) {
      Path to = copy.resolve(ROOT.relativize(file));
      Files.createDirectories(to.getParent());
      Files.copy(file, to);
    }
    return files;
  }

  private static String run(int status, Path tree, String tool, String... arguments)
      throws Exception {
    List<String> command = new ArrayList<>(List.of("bash", tree.resolve(tool).toString()));
    command.addAll(List.of(arguments));
    Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
    p.getOutputStream().close();
    String out = new String(p.getInputStream().readAllBytes(), UTF_8).strip();
    assertEquals(status, p.waitFor(), out);
    return out;
  }

  private static String only(Pattern pattern, Path file) throws IOException {
    List<MatchResult> found = pattern.matcher(Files.readString(file)).results().toList();
    assertEquals(1, found.size(), file + " has not one of " + pattern);
    return found.getFirst().group(1).replaceAll("\\s+", " ").strip();
  }

  /**
   * The BOM has no parent to inherit from, so that what holds for all is there twice. One that was
   * forgotten would be uploaded with placeholders.
   */
  @Test
  void theBomSaysOfItselfWhatTheRootSays() throws IOException {
    Path root = ROOT.resolve("pom.xml");
    Path bom = ROOT.resolve("java/bom/pom.xml");
    for (String element : List.of("url", "licenses", "developers", "scm")) {
      // Those of the project, which are indented least.
      Pattern block = Pattern.compile("(?s)\n  <" + element + "\\b[^>]*>(.*?)</" + element + ">");
      assertEquals(only(block, root), only(block, bom), element + " of " + bom);
    }
    Pattern rules = Pattern.compile("(?s)<id>publishable</id>(.*?)</execution>");
    assertEquals(only(rules, root), only(rules, bom), "the check before an upload");
    Pattern scm = Pattern.compile("(?s)\n  <scm\\b[^>]*>(.*?)</scm>");
    for (String address : List.of("connection", "developerConnection", "url")) {
      assertTrue(only(scm, root).contains("<" + address + ">"), "scm has no " + address);
      String property = "<property>project.scm." + address + "</property>";
      assertTrue(only(rules, root).contains(property), "deploy does not look at " + address);
    }
  }

  /** The jar of the natives holds what is under another licence as well, and its POM says so. */
  @Test
  void thePomsOfNativesNameTheLicencesOfWhatIsInside() throws IOException {
    Pattern block = Pattern.compile("(?s)\n  <licenses>(.*?)</licenses>");
    String natives = only(block, ROOT.resolve("java/natives/pom.xml"));
    String onnxruntime = only(block, ROOT.resolve("java/onnxruntime/pom.xml"));
    assertTrue(natives.contains("<name>Apache-2.0</name>"), natives);
    assertTrue(natives.contains("<name>NVIDIA CUDA Toolkit End User License"), natives);
    assertTrue(onnxruntime.contains("<name>Apache-2.0</name>"), onnxruntime);
    assertTrue(onnxruntime.contains("<name>MIT</name>"), onnxruntime);
  }

  /** All else that is installed imports it, and Maven's -am does not follow imports. */
  @Test
  void whatIsInstalledInPartHasTheBom() throws IOException {
    Pattern command = Pattern.compile("\\bmvn [^`\n]*");
    int found = 0;
    for (Path file : files(ROOT, ".md")) {
      for (MatchResult m : command.matcher(Files.readString(file)).results().toList()) {
        String text = m.group();
        if (text.matches(".* -am\\b.*") && text.matches(".*\\binstall\\b.*")) {
          assertTrue(text.matches(".* -pl \\S*java/bom\\b.*"), file + ": " + text);
          found++;
        }
      }
    }
    assertTrue(found > 0, "conformance.md installs the kit alone");
  }

  /** The version of LibTorch's CUDA build is that of the CPU build behind medpruner-torch. */
  @Test
  void theCudaBuildOfLibTorchIsThatOfThisBuild() throws IOException {
    Path root = ROOT.resolve("pom.xml");
    String javacpp = only(Pattern.compile("<javacpp\\.version>([^<]+)<"), root);
    String pytorch =
        only(Pattern.compile("<pytorch\\.version>([^<]+)<"), root)
            .replace("${javacpp.version}", javacpp);
    int documents = 0;
    for (Path file : files(ROOT, ".md")) {
      documents += check(file, CUDA_LIBTORCH, pytorch);
    }
    assertTrue(documents > 0, "no document shows how a program gets LibTorch's CUDA build");
    assertEquals(1, check(ROOT.resolve("examples/libtorch/pom.xml"), CUDA_LIBTORCH, pytorch));
  }

  /** Maven compiles and runs an example with its own JDK, wherever else a newer one lies. */
  @Test
  void theExamplesSayWhichJdkMavenNeeds() throws IOException {
    for (String file : List.of("examples/README.md", "docs/releasing.md")) {
      String text = Files.readString(ROOT.resolve(file));
      int command = text.indexOf("mvn -q -f examples/arrays verify");
      command = command < 0 ? text.indexOf("mvn -f examples/arrays verify") : command;
      int said = text.indexOf("`JAVA_HOME`", Math.max(0, command - 400));
      assertTrue(command > 0 && said > 0 && said < command + 400, file);
    }
  }

  /** The kit's own tests are on one JUnit, so the example is on the other that is promised. */
  @Test
  void theConformanceExampleIsOnJUnit5() throws IOException {
    String ours = only(Pattern.compile("<junit\\.version>([^<]+)<"), ROOT.resolve("pom.xml"));
    assertTrue(ours.startsWith("6."), ours);
    String example =
        only(
            Pattern.compile("<artifactId>junit-jupiter</artifactId><version>([^<]+)<"),
            ROOT.resolve("examples/conformance/pom.xml"));
    assertTrue(example.startsWith("5."), example);
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
