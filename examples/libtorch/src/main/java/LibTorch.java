// SPDX-License-Identifier: Apache-2.0
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.*;
import org.medpruner.torch.*;

/**
 * LibTorch's tensors, pruned where they lie: no copy, and on CUDA on LibTorch's own stream, so that
 * neither waits for the other.
 */
public class LibTorch {
  public static void main(String[] args) {
    boolean cuda = TorchRuntime.require().cudaUnavailable() == null;
    Device device = cuda ? Device.cuda(0) : Device.CPU;
    long tokens = 256;
    long hidden = 64;
    long bytes = Prune.Outputs.bytes(DType.F32, tokens, hidden, tokens, 1);
    boolean right;
    try (PointerScope scope = new PointerScope();
        Workspace workspace = Workspace.create(device);
        NativeBuffer memory = NativeBuffer.allocate(device, bytes)) {
      var where = new org.bytedeco.pytorch.Device(device.toString());
      Tensor features = torch.randn(tokens, hidden).to(where, ScalarType.Float);
      Tensor keys = torch.randn(tokens, 16).to(where, ScalarType.Float);
      Tensor mass = torch.softmax(torch.randn(tokens), 0).to(where, ScalarType.Float);
      Tensor offsets = torch.tensor(0L, tokens).to(where, ScalarType.Long);

      // The smallest set of tokens that holds half of the mass, and 5 % contextual tokens.
      var nucleus = new NucleusSelect.Params(NucleusSelect.Score.MASS, 0.5, 1, 0, 0, 0, 0);
      var outputs = Prune.Outputs.in(memory, DType.F32, tokens, hidden, tokens, 1);
      Prune.run(
          Prune.Params.of(nucleus, 0.05),
          new Prune.Given(TorchTensors.view(mass), TorchTensors.view(keys)),
          TorchTensors.view(features),
          TorchTensors.view(offsets),
          null, // all slices were kept
          null, // one volume
          outputs,
          workspace,
          TorchStreams.current(device));

      // Back without a copy: our memory as a tensor. Reading the count is what waits for CUDA.
      try (var packed = TorchTensors.borrow(outputs.packed());
          var ends = TorchTensors.borrow(outputs.packedOffsets())) {
        long kept = TorchTensors.longs(ends.tensor())[1];
        Tensor means = packed.tensor().narrow(0, 0, kept).mean(1);
        System.out.println(device + ": kept " + kept + " of " + tokens + " tokens");
        right = kept > 0 && kept < tokens && means.numel() == kept;
      }
    }
    System.exit(right ? 0 : 1);
  }
}
