package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
    assertAlive(
        ChildJvm.onTheSimtExecutor("AbuseTest.soItIsUnderCopiesOfADevice")
            .run(CopyProbe.class, "cuda"));
  }
}
