package org.medpruner.testkit.targets;

import org.medpruner.Device;

/** This project's CPU backend. */
public final class CpuTarget extends BackendTarget {
  /** The CPU. */
  public CpuTarget() {
    super(Device.CPU);
  }
}
