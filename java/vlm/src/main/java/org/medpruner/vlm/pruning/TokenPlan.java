package org.medpruner.vlm.pruning;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.Device;
import org.medpruner.Prune;
import org.medpruner.PrunePlan;
import org.medpruner.Stream;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;

/** Stage 2's tensors for given extents, and the plan that prunes what they hold. */
final class TokenPlan implements AutoCloseable {

  /**
   * What a plan is made for; equal ones can share it.
   *
   * @param params what decides
   * @param tokens N
   * @param slices P
   * @param volumes V
   * @param headDim d, width of the encoder's attention heads
   * @param width C, of a token's features
   * @param type of the features; interned
   */
  record Extents(
      Prune.Params params,
      long tokens,
      int slices,
      int volumes,
      long headDim,
      long width,
      ScalarType type) {}

  final Extents extents;
  final Tensor mass;
  final Tensor keys;
  final Tensor features;
  final Tensor packed;
  final Tensor packedRows;
  final Tensor packedOffsets;
  final Tensor role;
  final Tensor assignment;
  final Tensor keptMass;
  final Tensor flags;
  private final Tensor offsets;
  private final Tensor kept;
  private final Tensor volumes;
  private final List<Tensor> owned = new ArrayList<>();
  private final PrunePlan plan;

  TokenPlan(Device device, Extents e) {
    extents = e;
    mass = own(device, ScalarType.Float, e.tokens);
    keys = own(device, ScalarType.Float, e.tokens, e.headDim);
    features = own(device, e.type, e.tokens, e.width);
    offsets = own(device, ScalarType.Long, e.slices + 1);
    kept = own(device, ScalarType.Byte, e.slices);
    volumes = own(device, ScalarType.Long, e.volumes + 1);
    packed = own(device, e.type, e.tokens, e.width);
    packedRows = own(device, ScalarType.Long, e.tokens);
    packedOffsets = own(device, ScalarType.Long, e.slices + 1);
    role = own(device, ScalarType.Byte, e.tokens);
    assignment = own(device, ScalarType.Long, e.tokens);
    keptMass = own(device, ScalarType.Double, e.slices);
    flags = own(device, ScalarType.UInt32, e.slices);
    plan =
        PrunePlan.of(
            e.params,
            new Prune.Given(TorchTensors.view(mass), TorchTensors.view(keys)),
            TorchTensors.view(features),
            TorchTensors.view(offsets),
            TorchTensors.view(kept),
            TorchTensors.view(volumes),
            new Prune.Outputs(
                TorchTensors.view(packed),
                TorchTensors.view(packedRows),
                TorchTensors.view(packedOffsets),
                TorchTensors.view(role),
                TorchTensors.view(assignment),
                TorchTensors.view(keptMass),
                TorchTensors.view(flags)));
  }

  private Tensor own(Device device, ScalarType type, long... shape) {
    Tensor t = TorchScope.detach(TorchScope.run(() -> DeviceTensors.empty(device, type, shape)));
    owned.add(t);
    return t;
  }

  /** Sets which slices there are. */
  void slices(TokenStage.Slices slices) {
    try (PointerScope scope = new PointerScope()) {
      offsets.copy_(DeviceTensors.of(Device.CPU, slices.offsets()));
      kept.copy_(DeviceTensors.of(Device.CPU, slices.kept()));
      volumes.copy_(DeviceTensors.of(Device.CPU, slices.volumes()));
    }
  }

  void run(Stream stream) {
    plan.run(stream);
  }

  @Override
  public void close() {
    plan.close();
    owned.forEach(Tensor::close);
  }
}
