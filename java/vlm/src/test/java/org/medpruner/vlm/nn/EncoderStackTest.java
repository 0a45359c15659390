package org.medpruner.vlm.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.vlm.nn.EncoderStack.Layer;

class EncoderStackTest {
  private static final int WIDTH = 8;
  private static final int WIDE = 12;

  static {
    TorchRuntime.require();
  }

  private static Linear linear(long out, long in) {
    return new Linear(
        new Param(torch.randn(out, in), Ops.F32), new Param(torch.randn(out), Ops.F32));
  }

  private static LayerNorm norm() {
    return new LayerNorm(
        new Param(torch.randn(WIDTH), Ops.F32), new Param(torch.randn(WIDTH), Ops.F32), 1e-6);
  }

  /**
   * A tower of one layer.
   *
   * @param wide width that the end of the feed-forward part takes
   */
  private static EncoderStack tower(int wide) {
    Layer layer =
        new Layer(
            norm(),
            linear(WIDTH, WIDTH),
            linear(WIDTH, WIDTH),
            linear(WIDTH, WIDTH),
            linear(WIDTH, WIDTH),
            norm(),
            linear(WIDE, WIDTH),
            linear(WIDTH, wide));
    return new EncoderStack(
        new EncoderConfig(WIDTH, WIDE, 1, 2, 1e-6, Activation.GELU), List.of(layer), norm());
  }

  /** A product that does not fit throws where one does for which there is no memory. */
  @Test
  void whatTheLastLayerMadeIsFreedWhereItsEndThrows() {
    try (PointerScope weights = new PointerScope()) {
      EncoderStack broken = tower(WIDE + 1);
      int rounds = 40;
      long before = 0;
      // What LibTorch and this library make once is made in the first round.
      for (int round = 0; round <= rounds; round++) {
        try (PointerScope call = new PointerScope()) {
          Tensor x = torch.randn(2, 5, WIDTH);
          assertThrows(RuntimeException.class, () -> broken.encode(x, null));
        }
        before = round == 0 ? Pointer.totalCount() : before;
      }
      long left = Pointer.totalCount() - before;
      assertTrue(left < rounds, left + " objects of LibTorch's are left of " + rounds + " calls");
    }
  }

  @Test
  void whatIsHandedOutIsTheScopes() {
    try (PointerScope weights = new PointerScope()) {
      EncoderStack whole = tower(WIDE);
      EncoderStack.Output seen;
      try (PointerScope call = new PointerScope()) {
        seen = whole.encode(torch.randn(2, 5, WIDTH), null);
        assertEquals(2L * 5 * WIDTH, seen.hidden().numel());
        for (Tensor t : List.of(seen.query(), seen.key())) {
          assertEquals(2L * 5 * WIDTH, t.numel());
          assertEquals(1, t.referenceCount());
        }
      }
      for (Tensor t : List.of(seen.hidden(), seen.query(), seen.key())) {
        assertTrue(t.isNull(), "still held");
      }
    }
  }
}
