package org.medpruner;

/** {@link AttentionMassTest} on the first GPU. */
@EnabledIfCuda
final class AttentionMassCudaTest extends AttentionMassTest {
  @Override
  Device device() {
    return Device.cuda(0);
  }
}
