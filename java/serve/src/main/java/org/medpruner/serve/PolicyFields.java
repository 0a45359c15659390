package org.medpruner.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.medpruner.PolicyBuilder;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Words;

/** A pruning policy from JSON: a preset, and any field of it under the audit record's name. */
final class PolicyFields {
  private static final Map<String, Class<?>> TYPES = types();

  private PolicyFields() {}

  /** By reflection, so that a field added later cannot be forgotten here. */
  private static Map<String, Class<?>> types() {
    Map<String, Class<?>> types = new LinkedHashMap<>();
    for (RecordComponent c : PruningPolicy.class.getRecordComponents()) {
      if (!c.getName().equals("name")) {
        types.put(c.getName(), c.getType());
      }
    }
    return types;
  }

  /** Names of the fields, "preset" not among them. */
  static Set<String> names() {
    return TYPES.keySet();
  }

  /**
   * The policy asked for.
   *
   * @param otherwise the one without a preset or a field
   * @throws ApiError 400 naming the first field that cannot be
   */
  static PruningPolicy policy(Fields fields, PruningPolicy otherwise) {
    String preset = fields.text("preset");
    PruningPolicy base = otherwise;
    if (preset != null) {
      if (!PruningPolicy.presetNames().contains(preset)) {
        throw fields.wrong("preset", "one of " + String.join(", ", PruningPolicy.presetNames()));
      }
      base = PruningPolicy.preset(preset);
    }
    PolicyBuilder builder = base.toBuilder();
    boolean changed = false;
    for (Map.Entry<String, Class<?>> e : TYPES.entrySet()) {
      Object value = value(fields, e.getKey(), e.getValue());
      if (value != null) {
        changed = true;
        set(builder, e.getKey(), e.getValue(), value);
      }
    }
    try {
      return changed ? builder.build() : base;
    } catch (IllegalArgumentException e) {
      throw ApiError.bad("medpruner", "medpruner: " + e.getMessage());
    }
  }

  private static @Nullable Object value(Fields fields, String name, Class<?> type) {
    JsonNode node = fields.node(name);
    if (node == null) {
      return null;
    }
    if (type == boolean.class) {
      return fields.flag(name, false);
    }
    if (type == int.class) {
      return fields.integer(name, 0, 0, Integer.MAX_VALUE);
    }
    if (type == long.class) {
      return fields.integer(name, 0);
    }
    if (type == double.class) {
      double value = fields.number(name, 0);
      // How large distances are depends on how the model normalises pixels: as on the command line.
      if ((name.equals("gamma") || name.equals("patchGamma"))
          && !(value >= 0 && Double.isFinite(value))) {
        throw fields.wrong(name, "finite and >= 0");
      }
      return value;
    }
    String word = fields.text(name);
    return Arrays.stream(type.getEnumConstants())
        .filter(v -> Words.of((Enum<?>) v).equals(word))
        .findFirst()
        .orElseThrow(() -> fields.wrong(name, "one of " + words(type)));
  }

  private static String words(Class<?> type) {
    return String.join(
        ", ", Arrays.stream(type.getEnumConstants()).map(v -> Words.of((Enum<?>) v)).toList());
  }

  private static void set(PolicyBuilder builder, String name, Class<?> type, Object value) {
    try {
      Method setter = PolicyBuilder.class.getMethod(name, type);
      Object unused = setter.invoke(builder, value);
    } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("policy field " + name + " cannot be set", e);
    }
  }
}
