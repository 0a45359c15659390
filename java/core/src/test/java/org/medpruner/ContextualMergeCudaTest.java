package org.medpruner;

/** {@link ContextualMergeTest} on the first GPU. */
@EnabledIfCuda
final class ContextualMergeCudaTest extends ContextualMergeTest {
  @Override
  Device device() {
    return Device.cuda(0);
  }
}
