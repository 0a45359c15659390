package org.medpruner.vlm.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.LongFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.Scopes;
import org.medpruner.vlm.golden.Values;

class AttentionAndCacheTest {
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int DIM = 8;

  /** Attention by definition, in double precision. */
  private static double[] byDefinition(
      Tensor q, Tensor k, Tensor v, int @Nullable [] group, int window, double scale) {
    float[] qs = TorchTensors.floats(q);
    float[] ks = TorchTensors.floats(k);
    float[] vs = TorchTensors.floats(v);
    int length = (int) q.size(1);
    double[] out = new double[qs.length];
    for (int h = 0; h < HEADS; h++) {
      int kv = h / (HEADS / KV_HEADS);
      for (int i = 0; i < length; i++) {
        double[] weight = new double[length];
        double sum = 0;
        for (int j = 0; j < length; j++) {
          boolean together = group != null && group[i] >= 0 && group[i] == group[j];
          if ((j <= i || together) && j > i - window) {
            double dot = 0;
            for (int d = 0; d < DIM; d++) {
              dot += qs[(h * length + i) * DIM + d] * ks[(kv * length + j) * DIM + d];
            }
            weight[j] = Math.exp(dot * scale);
            sum += weight[j];
          }
        }
        for (int j = 0; j < length; j++) {
          for (int d = 0; d < DIM; d++) {
            out[(h * length + i) * DIM + d] += weight[j] / sum * vs[(kv * length + j) * DIM + d];
          }
        }
      }
    }
    return out;
  }

  @Test
  void chunksWindowsAndGroupsGiveTheAttentionByDefinition() {
    Random random = new Random(3);
    torch.manual_seed(5);
    for (int round = 0; round < 24; round++) {
      int length = 1 + random.nextInt(200);
      int[] group = round % 4 == 0 ? null : groups(length, random);
      int window = round % 3 == 0 ? Integer.MAX_VALUE : 1 + random.nextInt(80);
      // From one chunk for all, with kept masks, down to the smallest chunks.
      long bound = List.of(1L << 24, 5000L, 64L).get(round % 3);
      try (PointerScope scope = new PointerScope();
          PromptAttention attention = new PromptAttention(length, group, bound)) {
        Tensor q = torch.randn(new long[] {HEADS, length, DIM});
        Tensor k = torch.randn(new long[] {KV_HEADS, length, DIM});
        Tensor v = torch.randn(new long[] {KV_HEADS, length, DIM});
        for (int again = 0; again < 2; again++) {
          Values.assertClose(
              "round " + round,
              byDefinition(q, k, v, group, window, 0.3),
              Values.of(attention.attend(q, k, v, window, 0.3)),
              2e-5);
        }
      }
    }
  }

  private static int[] groups(int length, Random random) {
    int[] group = new int[length];
    int next = 0;
    for (int t = 0; t < length; ) {
      int run = 1 + random.nextInt(60);
      boolean image = random.nextBoolean();
      for (int i = 0; i < run && t < length; i++, t++) {
        group[t] = image ? next : -1;
      }
      next++;
    }
    return group;
  }

  private static DecoderConfig config(int window) {
    return new DecoderConfig(
        10,
        16,
        16,
        2,
        HEADS,
        KV_HEADS,
        DIM,
        4096,
        1e-6,
        1,
        false,
        false,
        false,
        false,
        false,
        Activation.SILU,
        window,
        List.of(true, false),
        new DecoderConfig.Rope(1e4, 1),
        new DecoderConfig.Rope(1e4, 1));
  }

  /** Key i holds the value i everywhere, so that what a query sees can be read off. */
  private static Tensor marked(long from, long to) {
    return torch
        .arange(new Scalar((double) from), new Scalar((double) to))
        .to(Ops.F32)
        .view(1, to - from, 1)
        .expand(KV_HEADS, to - from, DIM)
        .contiguous();
  }

  @Test
  void aLocalLayerSeesTheWindowAndAGlobalOneEverything() {
    for (int prompt : new int[] {1, 5, 31, 32, 33, 100}) {
      int window = 32;
      try (PointerScope scope = new PointerScope();
          KvCache cache = new KvCache(config(window), Ops.F32, false)) {
        cache.fill(0, marked(0, prompt), marked(0, prompt));
        cache.fill(1, marked(0, prompt), marked(0, prompt));
        // Past the ring's size and past one growth of a global layer.
        for (int t = prompt; t < prompt + 600; t++) {
          assertSees(cache.append(0, marked(t, t + 1), marked(t, t + 1)), t, window);
          assertSees(cache.append(1, marked(t, t + 1), marked(t, t + 1)), t, Integer.MAX_VALUE);
        }
        assertEquals(prompt + 600, cache.length(0));
      }
    }
  }

  private static void assertSees(KvCache.View view, int last, int window) {
    try (PointerScope scope = new PointerScope()) {
      int expected = Math.min(last + 1, window);
      assertEquals(expected, view.keys().size(1));
      assertEquals(last, view.keys().max().item_double());
      assertEquals(last - expected + 1, view.values().min().item_double());
      // All different: their sum is that of the consecutive numbers.
      double sum = (last + (last - expected + 1.0)) * expected / 2 * KV_HEADS * DIM;
      assertEquals(sum, view.keys().to(torch.ScalarType.Double).sum().item_double());
    }
  }

  @Test
  void cacheBytesCountTheWindowOfLocalLayers() {
    long perToken = 2L * KV_HEADS * DIM * 4;
    assertEquals(20 * 2 * perToken, KvCache.bytes(config(32), 20, 4));
    assertEquals((32 + 100) * perToken, KvCache.bytes(config(32), 100, 4));
  }

  @Test
  void aClosedCacheIsRefused() {
    try (PointerScope scope = new PointerScope()) {
      KvCache cache = new KvCache(config(8), Ops.F32, false);
      cache.fill(0, marked(0, 3), marked(0, 3));
      cache.close();
      cache.close();
      Tensor one = marked(3, 4);
      assertThrows(IllegalStateException.class, () -> cache.append(0, one, one));
    }
  }

  /** Memory of a cache that counts what was asked for, and is short of it at one request. */
  private static final class Memory implements LongFunction<Tensor> {
    final List<Tensor> given = new ArrayList<>();
    int shortAt = Integer.MAX_VALUE;

    @Override
    public Tensor apply(long capacity) {
      if (given.size() == shortAt) {
        throw new IllegalStateException("no memory");
      }
      given.add(torch.empty(KV_HEADS, capacity, DIM));
      return given.getLast();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void aClosedCacheHoldsNothing(int scopes) {
    Memory memory = new Memory();
    KvCache cache = new KvCache(config(32), memory);
    Scopes.in(
        scopes,
        () -> {
          cache.fill(0, marked(0, 3), marked(0, 3));
          cache.fill(1, marked(0, 3), marked(0, 3));
          return true;
        });
    // Past one growth of the global layer, each token in scopes of its own.
    for (int t = 3; t < 300; t++) {
      int token = t;
      Scopes.in(scopes, () -> cache.append(1, marked(token, token + 1), marked(token, token + 1)));
    }
    assertEquals(6, memory.given.size());
    for (int i = 0; i < 6; i++) {
      assertEquals(i == 2 || i == 3, memory.given.get(i).isNull(), "buffer " + i);
    }
    try (PointerScope scope = new PointerScope()) {
      assertSees(cache.append(1, marked(300, 301), marked(300, 301)), 300, Integer.MAX_VALUE);
    }
    Scopes.in(
        scopes,
        () -> {
          cache.close();
          return true;
        });
    memory.given.forEach(t -> assertTrue(t.isNull()));
  }

  /** Where memory is short nothing may stay behind, least of all that. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void aCacheThatGetsNoMemoryHoldsNothing(int given) {
    Memory memory = new Memory();
    memory.shortAt = given;
    try (PointerScope scope = new PointerScope()) {
      KvCache cache = new KvCache(config(32), memory);
      if (given < 2) {
        assertThrows(IllegalStateException.class, () -> cache.fill(1, marked(0, 3), marked(0, 3)));
      } else {
        cache.fill(1, marked(0, 3), marked(0, 3));
        for (int t = 3; t < 3 + 256; t++) {
          cache.append(1, marked(t, t + 1), marked(t, t + 1));
        }
        Tensor next = marked(259, 260);
        assertThrows(IllegalStateException.class, () -> cache.append(1, next, next));
        assertFalse(memory.given.get(0).isNull());
        assertFalse(memory.given.get(1).isNull());
      }
      if (given % 2 == 1) {
        assertTrue(memory.given.getLast().isNull(), "keys without values");
      }
      cache.close();
      assertEquals(given, memory.given.size());
      memory.given.forEach(t -> assertTrue(t.isNull()));
    }
  }

  /** Masks are kept for the next layer, which runs in another scope. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void keptMasksOutliveTheScopeOfTheLayerThatMadeThem(int scopes) {
    torch.manual_seed(6);
    int[] group = {-1, 0, 0, 0, -1, -1, 1, 1, -1};
    int length = group.length;
    try (PromptAttention attention = new PromptAttention(length, group)) {
      for (int layer = 0; layer < 3; layer++) {
        Scopes.in(
            scopes,
            () -> {
              Tensor q = torch.randn(new long[] {HEADS, length, DIM});
              Tensor k = torch.randn(new long[] {KV_HEADS, length, DIM});
              Tensor v = torch.randn(new long[] {KV_HEADS, length, DIM});
              Values.assertClose(
                  "scopes " + scopes,
                  byDefinition(q, k, v, group, 4, 0.3),
                  Values.of(attention.attend(q, k, v, 4, 0.3)),
                  2e-5);
              return true;
            });
      }
    }
  }

  @Test
  void roundingToStorageTypes() {
    double root = Math.sqrt(2560);
    assertEquals(50.5, Ops.rounded(root, org.medpruner.vlm.checkpoint.StorageType.BF16));
    assertEquals((float) root, Ops.rounded(root, org.medpruner.vlm.checkpoint.StorageType.F32));
    assertTrue(
        Math.abs(root - Ops.rounded(root, org.medpruner.vlm.checkpoint.StorageType.F16)) < 0.02);
  }
}
