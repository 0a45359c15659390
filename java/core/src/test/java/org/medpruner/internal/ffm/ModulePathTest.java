package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.spi.ToolProvider;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.MedPruner;

/**
 * An application of named modules: compiled here against the library, run with everything on the
 * module path and nothing on the class path, where the options are other ones.
 */
class ModulePathTest {
  private static final String DESCRIPTOR =
      """
      module application {
        requires org.medpruner;
      }
      """;
  private static final String MAIN =
      """
      package application;

      import java.util.Arrays;
      import org.medpruner.MedPruner;
      import org.medpruner.SliceAnchor;

      public class Main {
        public static void main(String[] arguments) {
          System.out.println("in " + MedPruner.class.getModule());
          switch (MedPruner.status()) {
            case MedPruner.Status.Available a -> {
              int[] kept = SliceAnchor.apply(new float[] {0, 0, 1, 1}, 4, 0.5).keptIndices();
              System.out.println("kept " + Arrays.toString(kept));
            }
            case MedPruner.Status.Unavailable u -> System.out.println(u.reason());
          }
        }
      }
      """;

  @TempDir static Path folder;
  private static List<Path> modulePath = List.of();

  @BeforeAll
  static void compile() throws IOException, URISyntaxException {
    Path sources = Files.createDirectories(folder.resolve("sources/application"));
    Path descriptor = folder.resolve("sources/module-info.java");
    Files.writeString(descriptor, DESCRIPTOR);
    Path main = Files.writeString(sources.resolve("Main.java"), MAIN);
    Path classes = folder.resolve("classes");
    Path library = placeOf(MedPruner.class);
    Path annotations = placeOf(NullMarked.class);
    tool(
        "javac",
        "-d",
        classes.toString(),
        "--module-path",
        library + File.pathSeparator + annotations,
        descriptor.toString(),
        main.toString());
    modulePath = List.of(classes, library, annotations, nativesJar());
  }

  private static Path placeOf(Class<?> type) throws URISyntaxException {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  /** A folder without a descriptor is no module; only a jar is one without, by its manifest. */
  private static Path nativesJar() throws IOException {
    Path natives = ChildJvm.nativesEntry();
    if (!Files.isDirectory(natives)) {
      return natives;
    }
    // As java/natives/pom.xml does, for builds that end before it has.
    Path manifest =
        Files.writeString(
            folder.resolve("manifest.txt"), "Automatic-Module-Name: medpruner.natives\n");
    Path jar = folder.resolve("natives.jar");
    tool(
        "jar",
        "--create",
        "--file",
        jar.toString(),
        "--manifest",
        manifest.toString(),
        "-C",
        natives.toString(),
        "META-INF/native");
    return jar;
  }

  private static void tool(String name, String... arguments) {
    int code = ToolProvider.findFirst(name).orElseThrow().run(System.out, System.err, arguments);
    assertEquals(0, code, name);
  }

  private static String run(String... options) throws IOException, InterruptedException {
    ChildJvm child =
        new ChildJvm()
            .withoutNativeAccess()
            .option("--illegal-native-access=deny")
            .option("-Dmedpruner.cache.dir=" + folder.resolve("cache"))
            .option("-Djava.library.path=" + folder);
    for (String option : options) {
      child.option(option);
    }
    ChildJvm.Result r = child.runModule("application/application.Main", modulePath);
    assertEquals(0, r.status(), r.output());
    assertTrue(r.output().startsWith("in module org.medpruner\n"), r.output());
    return r.output().substring(r.output().indexOf('\n') + 1);
  }

  @Test
  void anOpRunsWithNativeAccessForTheLibrarysModuleAlone() throws Exception {
    assertEquals(
        "kept [0, 2]\n",
        run("--enable-native-access=org.medpruner", "--add-modules=medpruner.natives"));
  }

  /** What the class path needs is of no use here. */
  @ParameterizedTest
  @ValueSource(strings = {"ALL-UNNAMED", "application"})
  void nativeAccessForOthersIsNotEnough(String module) throws Exception {
    assertEquals(
        "this JVM denies native access: start it with --enable-native-access=org.medpruner\n",
        run("--enable-native-access=" + module, "--add-modules=medpruner.natives"));
  }

  /** Nothing requires the natives' module. */
  @Test
  void withoutTheNativesModuleTheOptionIsNamed() throws Exception {
    String said = run("--enable-native-access=org.medpruner");
    assertTrue(said.contains("no resource META-INF/native/"), said);
    assertTrue(said.contains("on the module path with --add-modules medpruner.natives"), said);
  }
}
