package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.testkit.HostTensor;

/** Outputs and inputs field by field. */
final class Fields {
  private static final int MOST_SHOWN = 64;

  private Fields() {}

  /** One output with its name. */
  record Field<O>(String name, Function<O, @Nullable Object> get) {}

  /** Compares the bits of some fields, which all have to be there. */
  static <O> Finding bits(List<Field<O>> fields, O expected, O actual) {
    for (Field<O> field : fields) {
      Finding f = Finding.bits(field.name, field.get.apply(expected), field.get.apply(actual));
      if (!(f instanceof Finding.Holds)) {
        return f;
      }
    }
    return Finding.HOLDS;
  }

  static boolean anyFlag(int @Nullable [] flags, int bit) {
    return flags != null && Arrays.stream(flags).anyMatch(f -> (f & bit) != 0);
  }

  static byte @Nullable [] part(byte @Nullable [] values, int from, int to) {
    return values == null ? null : Arrays.copyOfRange(values, from, to);
  }

  static int @Nullable [] part(int @Nullable [] values, int from, int to) {
    return values == null ? null : Arrays.copyOfRange(values, from, to);
  }

  static long @Nullable [] part(long @Nullable [] values, int from, int to) {
    return values == null ? null : Arrays.copyOfRange(values, from, to);
  }

  static float @Nullable [] part(float @Nullable [] values, int from, int to) {
    return values == null ? null : Arrays.copyOfRange(values, from, to);
  }

  static double @Nullable [] part(double @Nullable [] values, int from, int to) {
    return values == null ? null : Arrays.copyOfRange(values, from, to);
  }

  static long @Nullable [] local(long @Nullable [] list, int from, int to) {
    return list == null ? null : Ragged.local(list, from, to, from);
  }

  static int @Nullable [] local(int @Nullable [] list, int from, int to) {
    return list == null ? null : Ragged.local(list, from, to, from);
  }

  static @Nullable HostTensor part(@Nullable HostTensor values, int from, int to) {
    if (values == null) {
      return null;
    }
    int[] rows = new int[to - from];
    Arrays.setAll(rows, i -> from + i);
    return values.take(rows);
  }

  /** Numbers of columns to try instead: 1, a half, all but one. */
  static List<Integer> fewer(int columns) {
    return Stream.of(1, columns / 2, columns - 1)
        .filter(c -> c >= 1 && c < columns)
        .distinct()
        .toList();
  }

  /** Tensors of plainer values: zeros, whole numbers, tenths. Integers stay as they are. */
  static Stream<HostTensor> plainer(HostTensor t) {
    if (t.dtype() != DType.F32 && t.dtype() != DType.F16 && t.dtype() != DType.BF16) {
      return Stream.empty();
    }
    return plainer(t.values())
        .map(v -> HostTensor.rounded(t.dtype(), v, t.shape()))
        .filter(p -> !p.equals(t));
  }

  /** As the other, of plain floats. */
  static Stream<float[]> plainer(float[] values) {
    List<float[]> all = new ArrayList<>();
    for (float unit : new float[] {0, 1, 0.125f}) {
      float[] rounded = new float[values.length];
      for (int i = 0; i < rounded.length; i++) {
        boolean special = !Float.isFinite(values[i]) || Math.abs(values[i]) > 1e6f;
        rounded[i] =
            special ? values[i] : unit == 0 ? 0 : (float) Math.rint(values[i] / unit) * unit;
      }
      if (!Arrays.equals(rounded, values)) {
        all.add(rounded);
      }
    }
    return all.stream();
  }

  /** Floats as they are typed in; long arrays in short. */
  static String text(float[] values) {
    return HostTensor.of(values, values.length).toString();
  }

  /** Whole numbers as they are typed in; long arrays in short. */
  static String text(long @Nullable [] values) {
    return values == null || values.length <= MOST_SHOWN
        ? Arrays.toString(values)
        : "long[" + values.length + "]";
  }

  /** Bytes as they are typed in; long arrays in short. */
  static String text(byte @Nullable [] values) {
    return values == null ? "null" : HostTensor.ofBytes(DType.U8, values, values.length).toString();
  }
}
