package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** On the host executor, which stands in for a device and has no graphs; in a JVM of its own. */
class PlanWithoutGraphsTest {
  @Test
  void aPlanThatCannotBeRecordedRunsOn() throws Exception {
    ChildJvm.Result result =
        ChildJvm.onTheSimtExecutor("PlanWithoutGraphsTest.aPlanThatCannotBeRecordedRunsOn")
            .run(PlanProbe.class);
    assertEquals("alive", result.output().strip());
    assertEquals(0, result.status());
  }
}
