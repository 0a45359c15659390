package org.medpruner.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The part of {@code gpu_baselines.py} that needs no GPU, by its own tests. */
class GpuBaselinesTest {
  @Test
  void itsOwnTestsPass() throws IOException, InterruptedException {
    Path root = Path.of(System.getenv("MEDPRUNER_ROOT"));
    Python run = Python.run(root.resolve("bench/gpu_baselines_test.py"));
    assertEquals(0, run.status(), run.output());
    run.output().lines().filter(line -> line.contains("skipped")).forEach(System.out::println);
  }
}
