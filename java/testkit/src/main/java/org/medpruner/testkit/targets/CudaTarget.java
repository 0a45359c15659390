package org.medpruner.testkit.targets;

import org.medpruner.Device;

/** This project's CUDA backend on device 0. */
public final class CudaTarget extends BackendTarget {
  /** CUDA device 0. */
  public CudaTarget() {
    super(Device.cuda(0));
  }
}
