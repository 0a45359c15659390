package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every route to the library, and every way it can fail, in JVMs of their own. */
class NativeLibraryTest {
  private static final String RESOURCES = "META-INF/native/" + NativeLibrary.platform() + "/";
  private static final String FILE = System.mapLibraryName("medpruner");

  @TempDir Path folder;
  private Path empty = Path.of("");

  @BeforeEach
  void createEmptyFolder() throws IOException {
    empty = Files.createDirectory(folder.resolve("empty"));
  }

  private ChildJvm child() {
    return new ChildJvm().option("-Dmedpruner.cache.dir=" + folder.resolve("cache"));
  }

  private ChildJvm isolated() {
    return child().natives().option("-Djava.library.path=" + empty);
  }

  private static String run(ChildJvm child) throws IOException, InterruptedException {
    ChildJvm.Result r = child.run(LoaderProbe.class);
    assertEquals(0, r.status(), r.output());
    return r.output();
  }

  private static void assertContains(String text, String... parts) {
    for (String part : parts) {
      assertTrue(text.contains(part), "\"" + part + "\" is not in: " + text);
    }
  }

  private static byte[] bundled(String name) throws IOException {
    try (InputStream in =
        NativeLibraryTest.class.getClassLoader().getResourceAsStream(RESOURCES + name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  private Path copyTo(String subfolder) throws IOException {
    Path target = Files.createDirectories(folder.resolve(subfolder)).resolve(FILE);
    Files.write(target, bundled(FILE));
    return target;
  }

  @Test
  void everyFailedRouteIsReported() throws Exception {
    Path missing = folder.resolve("missing.so");
    String out = run(isolated().option("-Dmedpruner.library.path=" + missing));
    assertContains(
        out,
        "unavailable no usable native library " + FILE + " for " + NativeLibrary.platform(),
        "-Dmedpruner.library.path=" + missing + ": no file " + missing,
        "natives jar: no resource " + RESOURCES + "natives.properties",
        "java.library.path=" + empty + ": no " + FILE + " in it");
  }

  @Test
  void aFileOrAFolderMayBeGiven() throws Exception {
    Path library = copyTo("given");
    for (Path value : new Path[] {library, folder.resolve("given")}) {
      assertContains(
          run(isolated().option("-Dmedpruner.library.path=" + value)), "available " + library);
    }
  }

  @Test
  void javaLibraryPathIsTheLastResort() throws Exception {
    Path library = copyTo("searched");
    String path = empty + File.pathSeparator + folder.resolve("searched");
    assertContains(
        run(child().natives().option("-Djava.library.path=" + path)), "available " + library);
  }

  @Test
  void dlopensOwnTextIsReported() throws Exception {
    Path garbage = folder.resolve("garbage.so");
    Files.writeString(
        garbage, "this is no library, but it is long enough to look into\n".repeat(9));
    String out = run(isolated().option("-Dmedpruner.library.path=" + garbage));
    assertContains(out, "unavailable", garbage + " does not load: ", "ELF");
  }

  /** As two web applications of one server, or one that is deployed anew. */
  @Test
  void everyClassLoaderHasTheLibrary() throws Exception {
    ChildJvm.Result r = child().run(ClassLoadersProbe.class);
    assertEquals(0, r.status(), r.output());
    assertEquals(ClassLoadersProbe.LOADERS, r.output().lines().count(), r.output());
    r.output().lines().forEach(line -> assertContains(line, "available " + folder));
  }

  @Test
  void anotherPathIsUsedWithAWarning() throws Exception {
    String out = run(child().option("-Dmedpruner.library.path=" + folder.resolve("no.so")));
    assertContains(out, "WARNING", "no file " + folder.resolve("no.so"), "using", "available");
  }

  @Test
  void theBundledLibraryIsExtractedOnceAndMended() throws Exception {
    Properties properties = new Properties();
    properties.load(new ByteArrayInputStream(bundled("natives.properties")));
    String sha256 = properties.getProperty("sha256");
    Path holder = folder.resolve("cache").resolve(sha256);
    Path target = holder.resolve(FILE);
    assertContains(run(child()), "available " + target);
    assertEquals(1, count(holder), "temporary files were left");
    FileTime first = FileTime.fromMillis(1_000_000_000_000L);
    Files.setLastModifiedTime(target, first);
    assertContains(run(child()), "available " + target);
    assertEquals(first, Files.getLastModifiedTime(target), "extracted again");
    Files.writeString(target, "tampered with");
    assertContains(run(child()), "available " + target);
    assertEquals(bundled(FILE).length, Files.size(target));
  }

  /** An image is filled by root and run by somebody else. */
  @Test
  void theExtractedLibraryIsReadableAsAnyFile() throws Exception {
    String out = run(child());
    Path target = Path.of(out.strip().substring("available ".length()));
    Path plain = Files.writeString(folder.resolve("plain"), "");
    assertEquals(Files.getPosixFilePermissions(plain), Files.getPosixFilePermissions(target), out);
    Files.setPosixFilePermissions(target, Set.of());
    if (Files.isReadable(target)) {
      String reason = "root may read any file";
      System.out.println("skipped the half of an unreadable library: " + reason);
      Assumptions.abort(reason);
    }
    assertContains(run(child()), "unavailable", "AccessDenied", "set -Dmedpruner.cache.dir=FOLDER");
  }

  private static long count(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.count();
    }
  }

  private Path jarFolder(String properties) throws IOException {
    Path root = folder.resolve("jar");
    Path inside = Files.createDirectories(root.resolve(RESOURCES));
    Files.writeString(inside.resolve("natives.properties"), properties);
    Files.write(inside.resolve(FILE), bundled(FILE));
    return root;
  }

  @Test
  void aWrongHashIsReportedAndLeavesNothing() throws Exception {
    String wrong = "0".repeat(64);
    Path root = jarFolder("file=" + FILE + "\nsha256=" + wrong + "\n");
    String out = run(child().natives(root).option("-Djava.library.path=" + empty));
    assertContains(out, "unavailable", "natives jar: ", "has SHA-256", wrong);
    assertEquals(0, count(folder.resolve("cache").resolve(wrong)));
  }

  @Test
  void namesThatLeadOutOfTheCacheAreRefused() throws Exception {
    Path root = jarFolder("file=../../" + FILE + "\nsha256=" + "a".repeat(64) + "\n");
    String out = run(child().natives(root).option("-Djava.library.path=" + empty));
    assertContains(out, "unavailable", "natives.properties: bad file");
    assertFalse(Files.exists(folder.resolve("cache")));
  }

  @Test
  void anUnusableCacheNamesTheOption() throws Exception {
    Path file = Files.writeString(folder.resolve("occupied"), "a file, not a folder");
    String out =
        run(
            new ChildJvm()
                .option("-Dmedpruner.cache.dir=" + file)
                .option("-Djava.library.path=" + empty));
    assertContains(
        out, "unavailable", "cannot extract to " + file, "set -Dmedpruner.cache.dir=FOLDER");
  }

  @Test
  void manyProcessesMayExtractAtOnce() throws Exception {
    Process[] children = new Process[4];
    for (int i = 0; i < children.length; i++) {
      children[i] = child().start(LoaderProbe.class);
    }
    for (Process p : children) {
      assertContains(ChildJvm.finish(p).output(), "available");
    }
  }

  private Path compiled(String source) throws IOException, InterruptedException {
    Path c = Files.writeString(folder.resolve("other.c"), source);
    Path library = folder.resolve("other.so");
    assumeTrue(ChildJvm.compile(c, library, "-shared", "-fPIC"), "no C compiler");
    return library;
  }

  @Test
  void anotherAbiMajorIsRefused() throws Exception {
    Path other = compiled("unsigned medpruner_abi_version(void) { return 9u << 16 | 3; }\n");
    String out = run(isolated().option("-Dmedpruner.library.path=" + other));
    assertContains(out, "unavailable", other + " has ABI 9.3, but this version needs 1.x");
  }

  @Test
  void anotherLibraryIsRefused() throws Exception {
    Path other = compiled("int something_else(void) { return 1; }\n");
    String out = run(isolated().option("-Dmedpruner.library.path=" + other));
    assertContains(out, "unavailable", other + " is not libmedpruner");
  }

  @Test
  void anIncompleteLibraryIsRefused() throws Exception {
    Path other = compiled("unsigned medpruner_abi_version(void) { return 1u << 16; }\n");
    String out = run(isolated().option("-Dmedpruner.library.path=" + other));
    assertContains(out, "unavailable", other + " lacks medpruner_alloc");
  }

  /** An attempt at another library must not leave its symbols behind for the next one. */
  @Test
  void aRefusedLibraryDoesNotShadowTheRightOne() throws Exception {
    Path other = compiled("unsigned medpruner_abi_version(void) { return 9u << 16; }\n");
    assertContains(
        run(child().option("-Dmedpruner.library.path=" + other)), "has ABI 9.0", "available");
  }

  @Test
  void deniedNativeAccessNamesTheFlag() throws Exception {
    String out = run(child().withoutNativeAccess().option("--illegal-native-access=deny"));
    assertContains(out, "unavailable", "--enable-native-access=ALL-UNNAMED");
  }
}
