package org.medpruner.testkit.internal;

import java.lang.reflect.RecordComponent;
import org.jspecify.annotations.Nullable;

/** Outputs as records of arrays and tensors. */
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

  private static @Nullable Object value(RecordComponent component, Object record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(component.getName(), e);
    }
  }
}
