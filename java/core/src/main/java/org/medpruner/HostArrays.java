package org.medpruner;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Contents of buffer views as Java arrays. */
final class HostArrays {
  private HostArrays() {}

  private static void fill(TensorView view, MemorySegment array) {
    if (!(view.owner() instanceof NativeBuffer buffer)) {
      throw new IllegalArgumentException("view: must be of a NativeBuffer");
    }
    buffer.copyTo(array, buffer.offsetOf(view));
  }

  private static int count(TensorView view) {
    return Math.toIntExact(view.elements());
  }

  static byte[] bytes(TensorView view) {
    byte[] a = new byte[count(view)];
    fill(view, MemorySegment.ofArray(a));
    return a;
  }

  static boolean[] booleans(TensorView view) {
    byte[] b = bytes(view);
    boolean[] a = new boolean[b.length];
    for (int i = 0; i < a.length; i++) {
      a[i] = b[i] != 0;
    }
    return a;
  }

  static int[] ints(TensorView view) {
    int[] a = new int[count(view)];
    fill(view, MemorySegment.ofArray(a));
    return a;
  }

  static long[] longs(TensorView view) {
    long[] a = new long[count(view)];
    fill(view, MemorySegment.ofArray(a));
    return a;
  }

  static float[] floats(TensorView view) {
    float[] a = new float[count(view)];
    fill(view, MemorySegment.ofArray(a));
    return a;
  }

  static double[] doubles(TensorView view) {
    double[] a = new double[count(view)];
    fill(view, MemorySegment.ofArray(a));
    return a;
  }

  static int[] prefix(int[] values, int count) {
    return Arrays.copyOf(values, count);
  }

  /** The first entries of an I64 list, as ints. */
  static int[] indices(TensorView view, long count) {
    long[] all = longs(view);
    int[] a = new int[Math.toIntExact(count)];
    for (int i = 0; i < a.length; i++) {
      a[i] = Math.toIntExact(all[i]);
    }
    return a;
  }
}
