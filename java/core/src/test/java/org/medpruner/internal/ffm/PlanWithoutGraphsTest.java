package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** On the host executor, which stands in for a device and has no graphs; in a JVM of its own. */
class PlanWithoutGraphsTest {
  @Test
  void aPlanThatCannotBeRecordedRunsOn() throws Exception {
    Path root = Path.of(Objects.requireNonNullElse(System.getenv("MEDPRUNER_ROOT"), "../.."));
    Path library = root.resolve("build/native/native/tests/simt/libmedpruner_simt.so");
    if (!Files.isRegularFile(library)) {
      String reason =
          "no build/native/native/tests/simt/libmedpruner_simt.so; ./medpruner test builds it";
      System.out.println(
          "skipped PlanWithoutGraphsTest.aPlanThatCannotBeRecordedRunsOn: " + reason);
      Assumptions.abort(reason);
    }
    ChildJvm.Result result =
        new ChildJvm()
            .option("-Dmedpruner.library.path=" + library.toAbsolutePath())
            .run(PlanProbe.class);
    assertEquals("alive", result.output().strip());
    assertEquals(0, result.status());
  }
}
