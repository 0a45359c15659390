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
import org.medpruner.torch.TorchScope;
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
   * Attention of {@code q [.., Lq, d]} over {@code k, v [.., Lk, d]}. On the CPU it is computed in
   * F32 whatever the type: LibTorch's BF16 attention took 28 times as long for 16 heads of 1,024.
   *
   * @param mask bool, true where a key may be seen, broadcast to [.., Lq, Lk]; null for all
   * @param causal whether query i sees keys 0..i only; not together with a mask
   */
  public static Tensor attention(
      Tensor q, Tensor k, Tensor v, @Nullable Tensor mask, boolean causal, double scale) {
    if (!q.is_cuda() && q.scalar_type().intern() != F32) {
      return TorchScope.run(
          () ->
              attention(q.to(F32), k.to(F32), v.to(F32), mask, causal, scale)
                  .to(q.scalar_type().intern()));
    }
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

  /**
   * Patch embedding: a convolution whose kernel is its stride. On the CPU it is computed in F32
   * whatever the type: oneDNN's BF16 convolution is wrong for some shapes (24 channels out of
   * patches of 6 x 6: off by 30 %), and this is the smallest of a tower's products.
   *
   * @param pixels [B, channels, height, width]
   * @param weight [out, channels, side, side]
   * @param bias [out]
   * @return [B, T, out], patches in raster order
   */
  public static Tensor patches(Tensor pixels, Tensor weight, Tensor bias, long side) {
    ScalarType type = pixels.scalar_type().intern();
    if (!pixels.is_cuda() && type != F32) {
      return TorchScope.run(
          () -> patches(pixels.to(F32), weight.to(F32), bias.to(F32), side).to(type));
    }
    return torch
        .conv2d(
            pixels,
            weight,
            new TensorOptional(bias),
            new long[] {side, side},
            new long[] {0, 0},
            new long[] {1, 1},
            1)
        .flatten(2, 3)
        .transpose(1, 2);
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
