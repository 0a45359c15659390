package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** In a JVM of its own, whose end would otherwise be the end of the tests. */
class AbuseTest {
  @Test
  void memoryTakenFromUnderCallsIsAnExceptionAndNoCrash() throws Exception {
    ChildJvm.Result result = new ChildJvm().run(AbuseProbe.class);
    assertEquals("alive", result.output().strip());
    assertEquals(0, result.status());
  }
}
