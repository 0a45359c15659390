package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
