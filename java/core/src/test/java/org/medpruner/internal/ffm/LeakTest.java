package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** A hundred thousand op calls leave the process as large as it was; what is forgotten is found. */
class LeakTest {
  // The smallest thing a call could leak is its 2 KB frame: 200 MB. The bound is 80 bytes per call.
  private static final long BOUND = 8L << 20;

  @Test
  void memoryStaysSteady() throws Exception {
    if (!Files.exists(Path.of("/proc/self/statm"))) {
      System.out.println("skipped LeakTest: no /proc/self/statm on this system");
    }
    assumeTrue(Files.exists(Path.of("/proc/self/statm")), "no /proc/self/statm");
    // A heap of fixed size, touched at once, so that only native memory can move the figure.
    ChildJvm.Result r =
        new ChildJvm()
            .option("-XX:+UseSerialGC")
            .option("-Xms48m")
            .option("-Xmx48m")
            .option("-XX:+AlwaysPreTouch")
            .run(LeakProbe.class);
    assertEquals(0, r.status(), r.output());
    String[] bytes = r.output().strip().split(" ", -1);
    long grown = Long.parseLong(bytes[1]) - Long.parseLong(bytes[0]);
    System.out.println("resident memory grew by " + (grown >> 10) + " KB over 100000 calls");
    assertTrue(grown < BOUND, "resident memory grew by " + grown + " bytes");
  }

  /** The safety net: what nobody closed is freed once unreachable, and a warning says where. */
  @Test
  void aForgottenBufferIsFreedWithAWarning() throws Exception {
    Process child =
        new ChildJvm().option("-Dmedpruner.trackResources=true").start(ForgottenProbe.class);
    StringBuilder said = new StringBuilder();
    try (var lines = child.inputReader(StandardCharsets.UTF_8)) {
      for (String l = lines.readLine(); l != null; l = lines.readLine()) {
        said.append(l).append('\n');
        if (l.contains("ForgottenProbe.forget")) {
          break;
        }
      }
    } finally {
      child.destroy();
    }
    String output = said.toString();
    assertTrue(
        output.contains("NativeBuffer of 12345 bytes on cpu was never closed; it is freed"),
        output);
    assertTrue(output.contains("ForgottenProbe.forget"), output);
  }
}
