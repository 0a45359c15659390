package org.medpruner;

/** {@link PrunePlanTest} on the first GPU, where runs after the first launch a graph. */
@EnabledIfCuda
final class PrunePlanCudaTest extends PrunePlanTest {
  @Override
  Device device() {
    return Device.cuda(0);
  }
}
