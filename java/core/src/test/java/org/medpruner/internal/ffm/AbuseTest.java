package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** In a JVM of its own, whose end would otherwise be the end of the tests. */
class AbuseTest {
  private static void assertAlive(ChildJvm.Result result) {
    assertEquals("alive", result.output().strip());
    assertEquals(0, result.status());
  }

  @Test
  void memoryTakenFromUnderCallsIsAnExceptionAndNoCrash() throws Exception {
    assertAlive(new ChildJvm().run(AbuseProbe.class));
  }

  @Test
  void memoryTakenFromUnderCopiesIsAnExceptionAndNoCrash() throws Exception {
    assertAlive(new ChildJvm().run(CopyProbe.class, "cpu"));
  }

  /** The driver is handed addresses, which nothing checks; here it is the host executor. */
  @Test
  void soItIsUnderCopiesOfADevice() throws Exception {
    Path root = Path.of(Objects.requireNonNullElse(System.getenv("MEDPRUNER_ROOT"), "../.."));
    Path library = root.resolve("build/native/native/tests/simt/libmedpruner_simt.so");
    if (!Files.isRegularFile(library)) {
      String reason =
          "no build/native/native/tests/simt/libmedpruner_simt.so; ./medpruner test builds it";
      System.out.println("skipped AbuseTest.soItIsUnderCopiesOfADevice: " + reason);
      Assumptions.abort(reason);
    }
    assertAlive(
        new ChildJvm()
            .option("-Dmedpruner.library.path=" + library.toAbsolutePath())
            .run(CopyProbe.class, "cuda"));
  }
}
