package org.medpruner.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.medpruner.Device;
import org.medpruner.MedPruner;
import org.medpruner.NucleusSelect;
import org.medpruner.TensorView;
import org.medpruner.Workspace;

/**
 * LibTorch and the library in one process, on the same tensors and the same stream, without a wait
 * between them: each reads what the other has queued before.
 */
class SharedStreamTest {
  private static final int SEGMENTS = 64;
  private static final int TOKENS = 256;
  private static final int ROUNDS = 50;

  @Test
  void onTheCpu() {
    assertArrayEquals(run(Device.CPU), run(Device.CPU));
  }

  @Test
  @Tag("gpu")
  void onCuda() {
    String missing = cudaMissing();
    if (missing != null && !Boolean.getBoolean("medpruner.requireGpu")) {
      System.out.println("skipped SharedStreamTest.onCuda: " + missing);
      assumeTrue(false, missing);
    }
    TorchRuntime.requireCuda();
    assertArrayEquals(run(Device.CPU), run(Device.cuda(0)));
  }

  private static @Nullable String cudaMissing() {
    if (MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable u) {
      return u.reason();
    }
    return TorchRuntime.status() instanceof TorchRuntime.Available a
        ? a.cudaUnavailable()
        : "LibTorch is unavailable";
  }

  /**
   * scores = scores * 0.5 + mask by LibTorch, mask = nucleus(scores) by the library, again and
   * again. Both devices do the same IEEE operations, so only a read before its write can make their
   * final masks differ.
   */
  private static byte[] run(Device device) {
    try (PointerScope scope = new PointerScope();
        Workspace workspace = Workspace.create(device)) {
      org.bytedeco.pytorch.Device where = new org.bytedeco.pytorch.Device(device.toString());
      long rows = (long) SEGMENTS * TOKENS;
      float[] start = new float[(int) rows];
      Random random = new Random(7);
      for (int i = 0; i < start.length; i++) {
        start[i] = random.nextInt(64) / 8f;
      }
      long[] bounds = new long[SEGMENTS + 1];
      for (int g = 0; g <= SEGMENTS; g++) {
        bounds[g] = (long) g * TOKENS;
      }
      Tensor scores = torch.tensor(start).to(where, ScalarType.Float);
      Tensor mask = torch.zeros(rows).to(where, ScalarType.Byte);
      Tensor indices = torch.zeros(rows).to(where, ScalarType.Long);
      Tensor counts = torch.zeros(SEGMENTS).to(where, ScalarType.Long);
      Tensor mass = torch.zeros(SEGMENTS).to(where, ScalarType.Double);
      Tensor flags = torch.zeros(SEGMENTS).to(where, ScalarType.Int).view(ScalarType.UInt32);
      TensorView offsets = TorchTensors.view(torch.tensor(bounds).to(where, ScalarType.Long));
      NucleusSelect.Params params = NucleusSelect.Params.softmax(0.6, 1);
      for (int round = 0; round < ROUNDS; round++) {
        try (PointerScope step = new PointerScope()) {
          scores.mul_(new Scalar(0.5f)).add_(mask.to(ScalarType.Float));
          NucleusSelect.run(
              params,
              TorchTensors.view(scores),
              offsets,
              null,
              new NucleusSelect.Outputs(
                  TorchTensors.view(mask),
                  TorchTensors.view(indices),
                  TorchTensors.view(counts),
                  TorchTensors.view(mass),
                  TorchTensors.view(flags)),
              workspace,
              TorchStreams.current(device));
        }
      }
      return TorchTensors.bytes(mask);
    }
  }
}
