package org.medpruner.testkit.mutants;

import static org.medpruner.testkit.mutants.Mutation.MERGE_1024_COLUMNS;
import static org.medpruner.testkit.mutants.Mutation.MERGE_1024_MEMBERS;
import static org.medpruner.testkit.mutants.Mutation.MERGE_1024_TOKENS;
import static org.medpruner.testkit.mutants.Mutation.MERGE_256_TARGETS;
import static org.medpruner.testkit.mutants.Mutation.MERGE_32_SEGMENTS;
import static org.medpruner.testkit.mutants.Mutation.MERGE_BF16_SUM;
import static org.medpruner.testkit.mutants.Mutation.MERGE_COUNT_IN_FLOAT;
import static org.medpruner.testkit.mutants.Mutation.MERGE_COUNT_OF_REST;
import static org.medpruner.testkit.mutants.Mutation.MERGE_COUNT_ROUNDED;
import static org.medpruner.testkit.mutants.Mutation.MERGE_COUNT_UP;
import static org.medpruner.testkit.mutants.Mutation.MERGE_DESCENDING;
import static org.medpruner.testkit.mutants.Mutation.MERGE_DOT_NOT_COSINE;
import static org.medpruner.testkit.mutants.Mutation.MERGE_DOUBLE_DOT;
import static org.medpruner.testkit.mutants.Mutation.MERGE_FROM_MINUS_ONE;
import static org.medpruner.testkit.mutants.Mutation.MERGE_LIST_WITHOUT_TARGETS;
import static org.medpruner.testkit.mutants.Mutation.MERGE_MEAN_WITH_TARGET;
import static org.medpruner.testkit.mutants.Mutation.MERGE_NAN_PAYLOAD;
import static org.medpruner.testkit.mutants.Mutation.MERGE_NO_CLAMP;
import static org.medpruner.testkit.mutants.Mutation.MERGE_NO_FMA;
import static org.medpruner.testkit.mutants.Mutation.MERGE_RATIO_IN_FLOAT;
import static org.medpruner.testkit.mutants.Mutation.MERGE_SATURATES;
import static org.medpruner.testkit.mutants.Mutation.MERGE_STEP_UP;
import static org.medpruner.testkit.mutants.Mutation.MERGE_SUBNORMAL_MEMBER;
import static org.medpruner.testkit.mutants.Mutation.MERGE_SUBNORMAL_PRODUCT;
import static org.medpruner.testkit.mutants.Mutation.MERGE_SUBNORMAL_RESULT;
import static org.medpruner.testkit.mutants.Mutation.MERGE_SUM_FROM_FIRST;
import static org.medpruner.testkit.mutants.Mutation.MERGE_SUM_NOT_MEAN;
import static org.medpruner.testkit.mutants.Mutation.MERGE_TARGETS_FROM_LAST;
import static org.medpruner.testkit.mutants.Mutation.MERGE_TIE_LAST;
import static org.medpruner.testkit.mutants.Mutation.MERGE_UNFLAGGED;
import static org.medpruner.testkit.mutants.Mutation.MERGE_ZERO_KEY_NAN;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.SegmentFlags;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.ContextualMergeOutput;
import org.medpruner.testkit.HostTensor;

/** {@code contextual_merge}, written from its header. */
final class PlainMerge {
  private static final byte MERGED = 0;
  private static final byte NUCLEUS = 1;
  private static final byte TARGET = 2;

  private final @Nullable Mutation mutation;

  PlainMerge(@Nullable Mutation mutation) {
    this.mutation = mutation;
  }

  private boolean is(Mutation m) {
    return mutation == m;
  }

  ContextualMergeOutput run(ContextualMergeInput in) {
    int n = in.nucleus().length;
    int segments = in.offsets().length - 1;
    float[] keys = in.keys().floats();
    int d = in.keys().columns();
    byte[] role = new byte[n];
    long[] assignment = new long[n];
    long[] kept = new long[n];
    long[] counts = new long[segments];
    int[] flags = new int[segments];
    Arrays.fill(kept, -1);
    for (int g = 0; g < segments; g++) {
      if (g >= 32 && is(MERGE_32_SEGMENTS)) {
        break;
      }
      int from = (int) in.offsets()[g];
      int to = (int) in.offsets()[g + 1];
      List<Integer> rest = new ArrayList<>();
      for (int i = from; i < to; i++) {
        assignment[i] = i;
        role[i] = in.nucleus()[i] != 0 ? NUCLEUS : MERGED;
        if (in.nucleus()[i] == 0) {
          rest.add(i);
        }
      }
      List<Integer> targets = targets(rest, in.params().ratio(), to - from);
      targets.forEach(t -> role[t] = TARGET);
      for (int i : rest) {
        boolean odd = inverse(keys, i, d) == 0;
        flags[g] |= odd && !is(MERGE_UNFLAGGED) ? SegmentFlags.ZERO_KEY : 0;
        if (role[i] == MERGED && !(is(MERGE_1024_TOKENS) && i - from >= 1024)) {
          assignment[i] = nearest(keys, d, i, targets);
        }
      }
      for (int i = from; i < to; i++) {
        if (role[i] == NUCLEUS || (role[i] == TARGET && !is(MERGE_LIST_WITHOUT_TARGETS))) {
          kept[from + (int) counts[g]++] = i;
        }
      }
    }
    return new ContextualMergeOutput(
        merged(in.features(), role, assignment), role, assignment, kept, counts, flags);
  }

  private List<Integer> targets(List<Integer> rest, double ratio, int n) {
    double wanted = is(MERGE_COUNT_OF_REST) ? ratio * rest.size() : ratio * n;
    wanted = is(MERGE_RATIO_IN_FLOAT) ? (double) (float) ratio * n : wanted;
    wanted = is(MERGE_COUNT_IN_FLOAT) ? (float) ratio * n : wanted;
    wanted = is(MERGE_COUNT_ROUNDED) ? Math.rint(wanted) : wanted;
    wanted = is(MERGE_COUNT_UP) ? Math.ceil(wanted) : wanted;
    int m = Math.max((int) wanted, 1);
    if (is(MERGE_NO_CLAMP) && rest.size() < m) {
      throw new IllegalStateException(rest.size() + " left for " + m + " targets");
    }
    int step = Math.max(1, is(MERGE_STEP_UP) ? Math.ceilDiv(rest.size(), m) : rest.size() / m);
    List<Integer> targets = new ArrayList<>();
    List<Integer> from = is(MERGE_TARGETS_FROM_LAST) ? rest.reversed() : rest;
    for (int j = 0; j < rest.size() && targets.size() < m; j += step) {
      targets.add(from.get(j));
    }
    return targets;
  }

  private int nearest(float[] keys, int d, int i, List<Integer> targets) {
    int best = is(MERGE_FROM_MINUS_ONE) ? targets.getFirst() : -1;
    double most = is(MERGE_FROM_MINUS_ONE) ? -1 : Double.NEGATIVE_INFINITY;
    int seen = is(MERGE_256_TARGETS) ? Math.min(256, targets.size()) : targets.size();
    for (int t : targets.subList(0, seen)) {
      double s = similarity(keys, d, i, t);
      if (best < 0 || s > most || (is(MERGE_TIE_LAST) && s == most)) {
        best = t;
        most = s;
      }
    }
    return best;
  }

  private double similarity(float[] keys, int d, int i, int t) {
    float a = inverse(keys, i, d);
    float b = inverse(keys, t, d);
    if (a == 0 || b == 0) {
      return is(MERGE_ZERO_KEY_NAN) ? 2 : 0;
    }
    if (is(MERGE_DOUBLE_DOT)) {
      double dot = 0;
      for (int c = 0; c < d; c++) {
        dot += (double) keys[i * d + c] * keys[t * d + c];
      }
      return dot * a * b;
    }
    float dot = dot(keys, i, t, d);
    return is(MERGE_DOT_NOT_COSINE) ? dot : dot * a * b;
  }

  private float inverse(float[] keys, int i, int d) {
    float square = dot(keys, i, i, d);
    return square >= 1e-24f && square <= Float.MAX_VALUE ? 1 / (float) Math.sqrt(square) : 0;
  }

  private float dot(float[] keys, int a, int b, int d) {
    float sum = 0;
    for (int c = 0; c < d; c++) {
      float x = keys[a * d + c];
      float y = keys[b * d + c];
      sum = is(MERGE_NO_FMA) ? sum + x * y : Math.fma(x, y, sum);
      sum = is(MERGE_SUBNORMAL_PRODUCT) ? flushed(sum, Float.MIN_NORMAL) : sum;
    }
    return sum;
  }

  /** As a device without subnormals has it. */
  private static float flushed(float v, float least) {
    return Math.abs(v) < least ? Math.copySign(0f, v) : v;
  }

  private HostTensor merged(HostTensor features, byte[] role, long[] assignment) {
    int n = role.length;
    int columns = features.columns();
    float[] x = features.values();
    int summed = is(MERGE_1024_COLUMNS) ? Math.min(1024, columns) : columns;
    int members = is(MERGE_1024_MEMBERS) ? 1024 : n;
    float least = features.dtype() == DType.F16 ? 0x1p-14f : Float.MIN_NORMAL;
    HostTensor out = features;
    for (int t = 0; t < n; t++) {
      float[] sum = new float[columns];
      int count = 0;
      for (int k = 0; k < n; k++) {
        int i = is(MERGE_DESCENDING) ? n - 1 - k : k;
        boolean member = role[i] == MERGED || (is(MERGE_MEAN_WITH_TARGET) && i == t);
        if (role[t] == TARGET && assignment[i] == t && member && count < members) {
          count++;
          for (int c = 0; c < summed; c++) {
            float value = x[i * columns + c];
            value = is(MERGE_SUBNORMAL_MEMBER) ? flushed(value, least) : value;
            sum[c] = count == 1 && is(MERGE_SUM_FROM_FIRST) ? value : sum[c] + value;
            sum[c] = is(MERGE_BF16_SUM) ? round(features.dtype(), sum[c]) : sum[c];
          }
        }
      }
      boolean alone = is(MERGE_MEAN_WITH_TARGET) ? count <= 1 : count == 0;
      if (!alone) {
        for (int c = 0; c < columns; c++) {
          float mean = is(MERGE_SUM_NOT_MEAN) ? sum[c] : sum[c] / count;
          sum[c] = x[t * columns + c] + mean;
          sum[c] = is(MERGE_SUBNORMAL_RESULT) ? flushed(sum[c], least) : sum[c];
          if (is(MERGE_SATURATES) && Float.isInfinite(sum[c])) {
            sum[c] = Math.copySign(Float.MAX_VALUE, sum[c]);
          }
        }
        out = withRow(out, t, sum);
      }
    }
    return out;
  }

  private static float round(DType dtype, float v) {
    return dtype == DType.F32
        ? LowPrecision.bf16ToFloat(LowPrecision.floatToBf16(v))
        : HostTensor.rounded(dtype, new float[] {v}, 1).values()[0];
  }

  private HostTensor withRow(HostTensor t, int row, float[] values) {
    for (int c = 0; c < values.length && t.dtype() == DType.F32; c++) {
      boolean odd = Float.isNaN(values[c]);
      values[c] =
          odd ? Float.intBitsToFloat(is(MERGE_NAN_PAYLOAD) ? 0x7fc12345 : 0x7fc00000) : values[c];
    }
    byte[] bytes = t.bytes();
    byte[] rounded = HostTensor.rounded(t.dtype(), values, values.length).bytes();
    System.arraycopy(rounded, 0, bytes, row * rounded.length, rounded.length);
    return HostTensor.ofBytes(t.dtype(), bytes, t.shape());
  }
}
