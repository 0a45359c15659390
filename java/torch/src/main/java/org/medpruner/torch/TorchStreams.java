package org.medpruner.torch;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch_cuda;
import org.jspecify.annotations.Nullable;
import org.medpruner.Device;
import org.medpruner.Stream;

/**
 * LibTorch's streams as MedPruner's. Thread-safe: each thread has a current stream of its own, and
 * what is returned may be used by any thread as long as LibTorch keeps the stream.
 */
public final class TorchStreams {
  private TorchStreams() {}

  /**
   * The stream LibTorch queues this thread's work of a device on, borrowed: ops given it are
   * ordered with LibTorch's. The current stream belongs to the thread and may change, so ask anew
   * for each batch of calls. On the CPU it is {@link Stream#DEFAULT}.
   *
   * @param device of the tensors that the ops are given
   * @return a stream that LibTorch owns; closing it does nothing
   * @throws org.medpruner.MedPrunerUnavailableException if the device is CUDA and LibTorch cannot
   *     use it
   */
  public static Stream current(Device device) {
    if (device.isCpu()) {
      return Stream.DEFAULT;
    }
    TorchRuntime.requireCuda();
    try (PointerScope scope = new PointerScope()) {
      return borrowed(device, torch_cuda.getCurrentCUDAStream((byte) device.index()).stream());
    }
  }

  /**
   * A stream of LibTorch's.
   *
   * @param stream the {@code cudaStream_t}; JavaCPP makes null of 0, the legacy default stream,
   *     which is the current one unless somebody chose another
   */
  static Stream borrowed(Device device, @Nullable Pointer stream) {
    return Stream.of(device, stream == null ? 0 : stream.address());
  }
}
