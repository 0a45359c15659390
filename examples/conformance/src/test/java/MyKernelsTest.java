// SPDX-License-Identifier: Apache-2.0
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.junit.ConformanceTests;

/** One test for each op and rule; those of which the library has nothing skip, and say so. */
class MyKernelsTest extends ConformanceTests {
  @Override
  protected ConformanceTarget target() {
    return new MyKernels();
  }
}
