package org.medpruner.cli;

import org.medpruner.MedPruner;
import org.medpruner.MedPrunerUnavailableException;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.vlm.ComputeType;
import org.medpruner.vlm.LoadOptions;
import picocli.CommandLine.Option;

/** Where a model runs. */
final class ModelOptions {
  /** Devices by their names on the command line. */
  enum DeviceName {
    CPU,
    CUDA
  }

  @Option(
      names = "--device",
      defaultValue = "cpu",
      paramLabel = "cpu|cuda",
      description = "Where the model runs. Default: cpu.")
  DeviceName device = DeviceName.CPU;

  @Option(
      names = "--dtype",
      defaultValue = "auto",
      paramLabel = "auto|f32|bf16",
      description =
          "Type the model computes in. auto (default): bf16 for bf16 weights on CUDA, and on a CPU"
              + " with bfloat16 products for models of more than half a billion weights; else f32.")
  ComputeType computeType = ComputeType.AUTO;

  @Option(
      names = "--encoder-memory",
      defaultValue = "1024",
      paramLabel = "MIB",
      description = "Bound on the vision encoder's activations, in MiB. Default: 1024.")
  long encoderMemory;

  /**
   * The options, after a look whether the device is there: before anything slow begins.
   *
   * @throws org.medpruner.MedPrunerUnavailableException if it is not
   */
  LoadOptions load() {
    Failures.requireArgument(
        encoderMemory >= 1 && encoderMemory <= 1L << 40,
        "--encoder-memory",
        encoderMemory,
        ">= 1 MiB");
    if (device == DeviceName.CUDA) {
      requireCuda();
    }
    return new LoadOptions(device == DeviceName.CUDA, encoderMemory << 20, computeType);
  }

  private static void requireCuda() {
    if (MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable u) {
      throw new MedPrunerUnavailableException(
          "--device cuda: " + u.reason() + "; use --device cpu");
    }
    TorchRuntime.requireCuda();
  }
}
