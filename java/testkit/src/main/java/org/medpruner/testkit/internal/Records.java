package org.medpruner.testkit.internal;

import java.lang.reflect.Array;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Inputs and outputs as records of arrays and tensors. */
final class Records {
  private Records() {}

  /** The first difference in the bits of two records' components; null when there is none. */
  static @Nullable String difference(@Nullable Object first, @Nullable Object second) {
    if (first == null || second == null) {
      return first == null && second == null ? null : "an output is missing";
    }
    for (RecordComponent c : first.getClass().getRecordComponents()) {
      Object a = value(c, first);
      Object b = value(c, second);
      Finding found = Finding.bits(c.getName(), a, b);
      if (found instanceof Finding.Broken broken) {
        return broken.difference();
      }
      if (found instanceof Finding.NotGiven) {
        return c.getName() + ": is missing";
      }
    }
    return null;
  }

  /** Whether no component is there. */
  static boolean isEmpty(Object record) {
    return Arrays.stream(record.getClass().getRecordComponents())
        .allMatch(c -> value(c, record) == null);
  }

  /** The record with arrays of its own; all else in one is immutable. */
  static <R> R copy(R record) {
    RecordComponent[] components = record.getClass().getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    @Nullable Object[] values = new @Nullable Object[components.length];
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      values[i] = copyOfArray(value(components[i], record));
    }
    try {
      @SuppressWarnings("unchecked") // a constructor makes its own class
      R copy = (R) record.getClass().getDeclaredConstructor(types).newInstance(values);
      return copy;
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(record.getClass().getName(), e);
    }
  }

  private static @Nullable Object copyOfArray(@Nullable Object value) {
    if (value == null || !value.getClass().isArray()) {
      return value;
    }
    int length = Array.getLength(value);
    Object copy = Array.newInstance(value.getClass().getComponentType(), length);
    System.arraycopy(value, 0, copy, 0, length);
    return copy;
  }

  /** The first element of an array that is no longer as it was; null when there is none. */
  static @Nullable String written(Object before, Object after) {
    for (RecordComponent c : before.getClass().getRecordComponents()) {
      Object was = value(c, before);
      Object is = value(c, after);
      if (was == null || is == null || !was.getClass().isArray()) {
        continue;
      }
      for (int i = 0; i < Array.getLength(was); i++) {
        Object old = bits(Array.get(was, i));
        Object now = bits(Array.get(is, i));
        if (!old.equals(now)) {
          return c.getName() + "[" + i + "] was written to: it was " + old + ", it is " + now;
        }
      }
    }
    return null;
  }

  private static Object bits(Object element) {
    return element instanceof Float f ? new Finding.Bits(f) : element;
  }

  private static @Nullable Object value(RecordComponent component, Object record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(component.getName(), e);
    }
  }
}
