package org.medpruner.vlm.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.vlm.ComputeType;
import org.medpruner.vlm.checkpoint.StorageType;
import org.medpruner.vlm.golden.Values;

class ParamTest {
  static {
    TorchRuntime.require();
  }

  /** Small integers, so that every order of summation gives the same bits. */
  private static Tensor integers(ScalarType type, long... shape) {
    return torch.randn(shape).mul(new org.bytedeco.pytorch.Scalar(3.0)).round().to(type);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 40, 7", // one block
    "3, 1024, 1024", // a block exactly
    "2, 1024, 2500", // two blocks and a part
    "2, 1100000, 3", // a row longer than a block
  })
  void convertingInBlocksGivesTheProductOfTheWhole(long rows, long in, long out) {
    try (PointerScope scope = new PointerScope();
        Scratch scratch = new Scratch(ScalarType.Float)) {
      Tensor x = integers(ScalarType.Float, rows, in);
      Tensor weight = integers(ScalarType.BFloat16, out, in);
      Tensor bias = integers(ScalarType.Float, out);
      Param param = new Param(weight, ScalarType.Float, scratch);
      assertTrue(param.converts());
      for (int round = 0; round < 2; round++) {
        assertArrayEquals(
            Values.of(Ops.linear(x, weight.to(ScalarType.Float), bias)),
            Values.of(param.linear(x, bias)));
      }
      assertArrayEquals(
          Values.of(Ops.linear(x, weight.to(ScalarType.Float), null)),
          Values.of(param.linear(x, null)));
    }
  }

  /** 4 PiB, which no machine has; the next block is a small one again. */
  @Test
  void aBufferThatCannotBeHadIsForgotten() {
    try (PointerScope scope = new PointerScope();
        Scratch scratch = new Scratch(ScalarType.Float)) {
      Tensor small = integers(ScalarType.BFloat16, 2, 3);
      scratch.converted(small);
      Tensor huge = integers(ScalarType.BFloat16, 1, 1).expand(1L << 25, 1L << 25);
      assertThrows(RuntimeException.class, () -> scratch.converted(huge));
      assertArrayEquals(Values.of(small.to(ScalarType.Float)), Values.of(scratch.converted(small)));
    }
  }

  @Test
  void aWeightOfTheComputeTypeIsUsedWhereItIs() {
    try (PointerScope scope = new PointerScope()) {
      Tensor weight = integers(ScalarType.Float, 3, 4);
      Param param = new Param(weight, ScalarType.Float);
      assertFalse(param.converts());
      assertEquals(weight.data_ptr().address(), param.value().data_ptr().address());
    }
  }

  @ParameterizedTest
  @CsvSource({
    // asked, stored, parameters, CUDA, bfloat16 products: 2 GiB is the largest copy kept
    "AUTO, BF16, 4300079472, false, true, BFloat16",
    "AUTO, BF16, 4300079472, false, false, Float",
    "AUTO, BF16, 1200000, false, true, Float",
    "AUTO, F32, 4300079472, false, true, Float",
    "AUTO, F16, 4300079472, false, true, Float",
    "AUTO, BF16, 1200000, true, false, BFloat16",
    "AUTO, F32, 4300079472, true, false, Float",
    "F32, BF16, 4300079472, false, true, Float",
    "F32, BF16, 4300079472, true, true, Float",
    "BF16, F32, 1200000, false, false, BFloat16",
  })
  void computeTypeThatSuitsTheDevice(
      ComputeType asked,
      StorageType stored,
      long parameters,
      boolean cuda,
      boolean bf16Products,
      ScalarType expected) {
    assertEquals(
        expected,
        Weights.computeType(
            asked, stored, parameters, cuda, Weights.MAX_CACHED_BYTES, bf16Products));
  }

  @Test
  void processorsWithBfloat16Products() {
    assertTrue(CpuFeatures.hasBf16Products(List.of("fpu", "avx512_bf16")));
    assertTrue(CpuFeatures.hasBf16Products(List.of("amx_bf16")));
    assertFalse(CpuFeatures.hasBf16Products(List.of("fpu", "avx512f", "avx512_vnni")));
  }
}
