package org.medpruner.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.Words;

/** Fields of a JSON object, read with messages that name them. Null counts as left out. */
final class Fields {
  private final ObjectNode object;
  private final String path;

  /**
   * Fields.
   *
   * @param path what messages write before a field's name, such as "medpruner."
   */
  Fields(ObjectNode object, String path) {
    this.object = object;
    this.path = path;
  }

  /** A field's node, or null. */
  @Nullable JsonNode node(String name) {
    JsonNode node = object.get(name);
    return node == null || node.isNull() ? null : node;
  }

  boolean flag(String name, boolean otherwise) {
    JsonNode node = node(name);
    if (node == null) {
      return otherwise;
    }
    if (!node.isBoolean()) {
      throw wrong(name, "true or false");
    }
    return node.booleanValue();
  }

  int integer(String name, int otherwise, int least, int most) {
    JsonNode node = node(name);
    if (node == null) {
      return otherwise;
    }
    if (!node.isIntegralNumber()
        || !node.canConvertToLong()
        || node.longValue() < least
        || node.longValue() > most) {
      throw wrong(name, "a whole number in " + least + ".." + most);
    }
    return node.intValue();
  }

  long integer(String name, long otherwise) {
    JsonNode node = node(name);
    if (node == null) {
      return otherwise;
    }
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw wrong(name, "a whole number of 64 bits");
    }
    return node.longValue();
  }

  double number(String name, double otherwise) {
    JsonNode node = node(name);
    if (node == null) {
      return otherwise;
    }
    if (!node.isNumber()) {
      throw wrong(name, "a number");
    }
    return node.doubleValue();
  }

  @Nullable String text(String name) {
    JsonNode node = node(name);
    if (node == null) {
      return null;
    }
    if (!node.isTextual()) {
      throw wrong(name, "a text");
    }
    return node.textValue();
  }

  /** A word such as "kept-slices" for KEPT_SLICES. */
  <E extends Enum<E>> E word(String name, E otherwise) {
    return word(name, otherwise.getDeclaringClass(), otherwise);
  }

  private <E extends Enum<E>> E word(String name, Class<E> type, E otherwise) {
    String word = text(name);
    if (word == null) {
      return otherwise;
    }
    return Words.value(type, word)
        .orElseThrow(() -> wrong(name, "one of " + String.join(", ", Words.all(type))));
  }

  /** An object's own fields, or null. */
  @Nullable Fields object(String name) {
    JsonNode node = node(name);
    if (node == null) {
      return null;
    }
    if (!(node instanceof ObjectNode inner)) {
      throw wrong(name, "an object");
    }
    return new Fields(inner, path + name + ".");
  }

  /** Names of all fields. */
  List<String> names() {
    return object.properties().stream().map(java.util.Map.Entry::getKey).toList();
  }

  /** That a field is not as it must be; its value is not repeated. */
  ApiError wrong(String name, String rule) {
    return ApiError.bad(path + name, path + name + " must be " + rule);
  }
}
