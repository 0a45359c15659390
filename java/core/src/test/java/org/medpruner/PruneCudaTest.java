package org.medpruner;

/** {@link PruneTest} on the first GPU. */
@EnabledIfCuda
final class PruneCudaTest extends PruneTest {
  @Override
  Device device() {
    return Device.cuda(0);
  }
}
