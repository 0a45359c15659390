// SPDX-License-Identifier: Apache-2.0
package example;

import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.SliceAnchor;
import org.medpruner.Stream;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchTensors;

/** Which slices of a LibTorch tensor stay, asked in a named module. */
public final class OnModulePath {
  public static void main(String[] args) {
    int slices = 24;
    Device cpu = Device.CPU;
    long bytes = SliceAnchor.Outputs.bytes(slices, 1);
    try (PointerScope scope = new PointerScope();
        Workspace workspace = Workspace.create(cpu);
        NativeBuffer memory = NativeBuffer.allocate(cpu, bytes)) {
      Tensor volume = torch.zeros(slices, 64);
      volume.narrow(0, 8, 16).fill_(new Scalar(1f)); // changes once, at the ninth slice
      SliceAnchor.run(
          SliceAnchor.Params.of(0.5),
          TorchTensors.view(volume),
          TorchTensors.view(torch.tensor(0L, slices)),
          SliceAnchor.Outputs.in(memory, slices, 1),
          workspace,
          Stream.DEFAULT);
      byte[] keep = new byte[slices]; // the first of the outputs in `memory`
      memory.copyTo(keep);
      var kept = IntStream.range(0, slices).filter(i -> keep[i] == 1).boxed().toList();
      System.out.println("kept slices " + kept + " in " + OnModulePath.class.getModule());
      System.exit(kept.toString().equals("[0, 8]") ? 0 : 1);
    }
  }
}
