package org.medpruner.bench.model;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.SizeTPair;
import org.bytedeco.pytorch.cuda.CUDAAllocator;
import org.bytedeco.pytorch.cuda.DeviceStats;
import org.bytedeco.pytorch.global.torch_cuda;
import org.jspecify.annotations.Nullable;

/**
 * Watches the memory of CUDA device 0. LibTorch's allocator keeps what it has once taken, so its
 * peaks are reset, and what is free given back, before each request that is to show its own.
 */
final class CudaMemory {
  private static final byte DEVICE = 0;

  private final boolean cuda;

  CudaMemory(boolean cuda) {
    this.cuda = cuda;
  }

  /** Begins anew, with LibTorch's tensors of now. */
  void restart() {
    if (cuda) {
      CUDAAllocator allocator = torch_cuda.getAllocator();
      allocator.emptyCache();
      allocator.resetPeakStats(DEVICE);
    }
  }

  /** The peaks since then; null on the CPU. */
  CostReport.@Nullable DeviceMemory peaks() {
    if (!cuda) {
      return null;
    }
    try (PointerScope scope = new PointerScope()) {
      CUDAAllocator allocator = torch_cuda.getAllocator();
      DeviceStats stats = allocator.getDeviceStats(DEVICE);
      SizeTPair freeAndTotal = allocator.getMemoryInfo(DEVICE);
      return new CostReport.DeviceMemory(
          stats.allocated_bytes().peak(),
          stats.reserved_bytes().peak(),
          freeAndTotal.second() - freeAndTotal.first());
    }
  }
}
