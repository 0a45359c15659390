package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Activation functions, by what transformers calls them. */
public enum Activation {
  /** {@code gelu_pytorch_tanh}. */
  GELU_TANH("gelu_pytorch_tanh"),
  /** {@code gelu}, with the error function. */
  GELU("gelu"),
  /** {@code silu}. */
  SILU("silu");

  private final String configName;

  Activation(String configName) {
    this.configName = configName;
  }

  /** The name in {@code config.json}. */
  public String configName() {
    return configName;
  }

  /** A temporary of the caller's scope. */
  public Tensor apply(Tensor x) {
    return switch (this) {
      case GELU_TANH -> torch.gelu(x, "tanh");
      case GELU -> torch.gelu(x, "none");
      case SILU -> torch.silu(x);
    };
  }
}
