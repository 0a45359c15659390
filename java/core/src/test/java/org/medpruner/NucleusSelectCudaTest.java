package org.medpruner;

/** {@link NucleusSelectTest} on the first GPU. */
@EnabledIfCuda
final class NucleusSelectCudaTest extends NucleusSelectTest {
  @Override
  Device device() {
    return Device.cuda(0);
  }
}
