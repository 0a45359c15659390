package org.medpruner.vlm.nn;

import java.util.function.Supplier;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.vlm.checkpoint.StorageType;

/** LibTorch calls that both towers use; every result is a temporary of the innermost scope. */
public final class Ops {
  /** LibTorch's float. */
  public static final ScalarType F32 = ScalarType.Float;

  private Ops() {}

  /** {@code x W^T + b} over the last dimension. */
  public static Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
    return bias == null
        ? torch.linear(x, weight)
        : torch.linear(x, weight, new TensorOptional(bias));
  }

  /** Layer norm over the last dimension. */
  public static Tensor layerNorm(Tensor x, Tensor weight, Tensor bias, double eps) {
    return torch.layer_norm(
        x,
        new long[] {weight.size(0)},
        new TensorOptional(weight),
        new TensorOptional(bias),
        eps,
        false);
  }

  /**
   * Attention of {@code q [.., Lq, d]} over {@code k, v [.., Lk, d]}.
   *
   * @param mask bool, true where a key may be seen, broadcast to [.., Lq, Lk]; null for all
   * @param causal whether query i sees keys 0..i only; not together with a mask
   */
  public static Tensor attention(
      Tensor q, Tensor k, Tensor v, @Nullable Tensor mask, boolean causal, double scale) {
    Supplier<Tensor> call =
        () ->
            torch.scaled_dot_product_attention(
                q,
                k,
                v,
                mask == null ? new TensorOptional() : new TensorOptional(mask),
                0.0,
                causal,
                new DoubleOptional(scale),
                false);
    return q.is_cuda()
        ? call.get()
        : TorchRuntime.withOneBlasThread(4.0 * q.numel() * k.size(k.dim() - 2), call);
  }

  /** An int64 vector on the device of {@code like}. */
  public static Tensor vector(long[] values, Tensor like) {
    Tensor t = torch.tensor(values);
    return like.is_cuda() ? t.to(like.device(), ScalarType.Long) : t;
  }

  /** A tensor of undefined contents. */
  public static Tensor empty(ScalarType type, boolean cuda, long... shape) {
    return torch.empty(
        shape,
        new ScalarTypeOptional(type),
        new LayoutOptional(),
        new DeviceOptional(new Device(cuda ? "cuda:0" : "cpu")),
        new BoolOptional(),
        new org.bytedeco.pytorch.MemoryFormatOptional());
  }

  /** A value rounded to a storage type, as a model loaded in that type holds it. */
  public static double rounded(double value, StorageType type) {
    float f = (float) value;
    return switch (type) {
      case BF16 -> {
        int bits = Float.floatToRawIntBits(f);
        int even = 0x7fff + ((bits >>> 16) & 1);
        yield Float.intBitsToFloat((bits + even) & 0xffff0000);
      }
      case F16 -> Float.float16ToFloat(Float.floatToFloat16(f));
      default -> f;
    };
  }
}
