package org.medpruner.vlm.engine;

import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.torch.TorchScope;

/**
 * The visual tokens pruning left of a volume, packed slice by slice.
 *
 * @param features [K, hidden]
 * @param planes [K, hidden] each, one row per token: what {@link VisionEncoder.Tokens#planes} left
 */
public record PackedTokens(Tensor features, List<Tensor> planes) implements AutoCloseable {
  /** Copies the list. */
  public PackedTokens {
    planes = List.copyOf(planes);
  }

  /** Without planes. */
  PackedTokens(Tensor features) {
    this(features, List.of());
  }

  /** Takes the tensors out of all scopes; they live until {@link #close}. */
  PackedTokens detached() {
    TorchScope.detach(features);
    planes.forEach(TorchScope::detach);
    return this;
  }

  @Override
  public void close() {
    features.close();
    planes.forEach(Tensor::close);
  }
}
