package org.medpruner.vlm;

/**
 * The type a model computes in. Weights stay in the type they are stored in; where that is another
 * one, they are converted once (models whose copy is small) or block by block at every use.
 *
 * <p>BF16 computes norms, softmax and, on the CPU, attention in F32, and rounds what passes between
 * layers, and the logits, to 8 bits of mantissa, as transformers does when it loads a model in
 * bfloat16. Logits around 20 are multiples of 1/8 then: of tokens that come out equal, greedy
 * decoding takes the lowest id.
 */
public enum ComputeType {
  /**
   * What suits the device. CUDA: BF16 for BF16 weights, else F32. CPU: BF16 for BF16 weights whose
   * F32 copy would be too large to keep, if the processor has bfloat16 products (AVX512-BF16 or
   * AMX); else F32.
   */
  AUTO,
  /** Single precision. */
  F32,
  /** bfloat16; slow on CPUs without bfloat16 products. */
  BF16
}
