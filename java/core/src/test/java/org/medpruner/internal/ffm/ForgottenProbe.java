package org.medpruner.internal.ffm;

import org.medpruner.Device;
import org.medpruner.NativeBuffer;

/** Main class of a child that forgets to close a buffer, then collects garbage for a while. */
final class ForgottenProbe {
  private ForgottenProbe() {}

  /** Ends after half a minute; the test ends it earlier. */
  public static void main(String[] arguments) throws InterruptedException {
    forget();
    for (int i = 0; i < 600; i++) {
      System.gc();
      Thread.sleep(50);
    }
  }

  private static void forget() {
    NativeBuffer.allocate(Device.CPU, 12345).copyFrom(new byte[1]);
  }
}
