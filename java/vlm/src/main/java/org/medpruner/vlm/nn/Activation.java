package org.medpruner.vlm.nn;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.vlm.checkpoint.JsonFile;

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

  /**
   * The one a configuration names.
   *
   * @param absent the one where the key is absent
   * @throws org.medpruner.InputException if it names another; the message lists those there are
   */
  public static Activation read(JsonFile json, String key, Activation absent) {
    JsonNode value = json.get(key);
    if (value == null) {
      return absent;
    }
    for (Activation a : values()) {
      if (a.configName.equals(value.asText())) {
        return a;
      }
    }
    throw json.bad(
        key, value, "one of " + Arrays.stream(values()).map(Activation::configName).toList());
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
