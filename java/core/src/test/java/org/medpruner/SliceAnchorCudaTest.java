package org.medpruner;

/** {@link SliceAnchorTest} on the first GPU. */
@EnabledIfCuda
final class SliceAnchorCudaTest extends SliceAnchorTest {
  @Override
  Device device() {
    return Device.cuda(0);
  }
}
