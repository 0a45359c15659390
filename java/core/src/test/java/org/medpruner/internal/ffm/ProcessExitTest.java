package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a process ends: its status, and whether the clean-up ran. */
class ProcessExitTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "return, 0, true",
    "throw, 1, true",
    "System.exit, 5, true",
    "ProcessExit.exit, 7, false"
  })
  void byItself(String way, int status, boolean cleaned) throws Exception {
    Path marker = folder.resolve("marker");
    ChildJvm.Result r = new ChildJvm().run(ExitProbe.class, marker.toString(), way);
    assertEquals(status, r.status(), r.output());
    assertTrue(r.output().startsWith("ready"), r.output());
    assertFalse(r.output().contains("replaced"), r.output());
    assertEquals(cleaned, Files.exists(marker));
  }

  @ParameterizedTest
  @CsvSource({"TERM, wait, 143", "INT, wait, 130", "HUP, wait, 129", "TERM, wait-hanging, 143"})
  void bySignal(String signal, String way, int status) throws Exception {
    if (ignored(status - 128)) {
      String why = "started with SIG" + signal + " ignored, as nohup does; children inherit that";
      System.out.println("skipped ProcessExitTest.bySignal: " + why);
      assumeTrue(false, why);
    }
    Path marker = folder.resolve("marker");
    Process child = new ChildJvm().start(ExitProbe.class, marker.toString(), way);
    InputStream in = child.getInputStream();
    String said = new String(in.readNBytes(5), StandardCharsets.UTF_8);
    assertEquals("ready", said.toLowerCase(Locale.ROOT));
    Process kill = new ProcessBuilder("kill", "-" + signal, "" + child.pid()).start();
    assertEquals(0, kill.waitFor());
    assertEquals(status, ChildJvm.finish(child).status());
    assertTrue(Files.exists(marker));
  }

  /** Whether this process was started with a signal ignored. */
  private static boolean ignored(int signal) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("SigIgn:")) {
        long mask = Long.parseUnsignedLong(line.substring("SigIgn:".length()).strip(), 16);
        return ((mask >> (signal - 1)) & 1) != 0;
      }
    }
    return false;
  }
}
