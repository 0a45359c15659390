// SPDX-License-Identifier: Apache-2.0
import static org.bytedeco.cuda.global.cudart.*;

import java.util.stream.IntStream;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.medpruner.*;

/** Memory and a stream of the caller's, as raw pointers of the JavaCPP presets for CUDA. */
public class CudaPointers {
  public static void main(String[] args) {
    if (MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable why) {
      System.out.println("skipped, no CUDA device: " + why.reason()); // the presets would not load
      return;
    }
    long slices = 24;
    long pixels = 112 * 112;
    byte[] host = new byte[(int) (slices * pixels)];
    for (int i = 0; i < host.length; i++) {
      host[i] = (byte) (40 * (i / (8 * pixels)));
    }
    Pointer volume = upload(new BytePointer(host), host.length);
    Pointer bounds = upload(new LongPointer(0, slices), 2 * Long.BYTES);
    CUstream_st handle = new CUstream_st();
    check(cudaStreamCreate(handle));

    Device device = Device.cuda(0);
    try (Workspace workspace = Workspace.create(device);
        NativeBuffer memory = NativeBuffer.allocate(device, SliceAnchor.Outputs.bytes(slices, 1));
        Stream stream = Stream.of(device, handle.address())) { // closing it leaves the stream alone
      // withOwner keeps the Java objects, and so the memory, as long as the views.
      long[] shape = {slices, pixels};
      var input = TensorView.of(volume.address(), DType.U8, shape, device).withOwner(volume);
      var ends = TensorView.of(bounds.address(), DType.I64, new long[] {2}, device).withOwner(bounds);
      var params = SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE);
      var outputs = SliceAnchor.Outputs.in(memory, slices, 1);
      SliceAnchor.run(params, input, ends, outputs, workspace, stream);
      check(cudaStreamSynchronize(handle));
      byte[] keep = new byte[(int) slices]; // the first of the outputs in `memory`
      memory.copyTo(keep);
      var kept = IntStream.range(0, keep.length).filter(i -> keep[i] == 1).boxed().toList();
      System.out.println(device + ": kept slices " + kept);
      System.exit(kept.toString().equals("[0, 8, 16]") ? 0 : 1);
    }
  }

  private static Pointer upload(Pointer host, long bytes) {
    Pointer device = new Pointer();
    check(cudaMalloc(device, bytes));
    check(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice)); // done on return
    return device;
  }

  private static void check(int status) {
    if (status != cudaSuccess) throw new IllegalStateException("CUDA error " + status);
  }
}
