package org.medpruner.vlm.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.pytorch.Tensor;
import org.medpruner.torch.TorchTensors;

/** Reading and comparing tensors in tests. */
public final class Values {
  private Values() {}

  public static float[] of(Tensor tensor) {
    return TorchTensors.floats(tensor);
  }

  public static void assertClose(String what, double[] expected, float[] actual, double tolerance) {
    assertEquals(expected.length, actual.length, what + ": number of values");
    double worst = 0;
    int at = -1;
    for (int i = 0; i < actual.length; i++) {
      double d = Math.abs(expected[i] - actual[i]);
      if (!(d <= worst)) {
        worst = d;
        at = i;
      }
    }
    System.out.printf("%s: %d values, largest difference %.3g%n", what, actual.length, worst);
    int index = at;
    double difference = worst;
    assertTrue(
        difference <= tolerance,
        () ->
            what
                + ": value "
                + index
                + " differs by "
                + difference
                + ": expected "
                + expected[index]
                + ", got "
                + actual[index]);
  }
}
