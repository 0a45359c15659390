package org.medpruner.vlm.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * An object of a JSON configuration file. Getters name the file and the key when a value is missing
 * or out of range.
 */
public final class JsonFile {
  /** Configurations are a few kilobytes; an index of a large model a few hundred. */
  private static final long MAX_BYTES = 64L << 20;

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private final Path path;
  private final String prefix;
  private final JsonNode node;

  private JsonFile(Path path, String prefix, JsonNode node) {
    this.path = path;
    this.prefix = prefix;
    this.node = node;
  }

  /** Reads a file that must exist. */
  public static JsonFile read(Path path) {
    if (!Files.isRegularFile(path)) {
      throw new InputException(path + Checkpoint.NO_SUCH_FILE);
    }
    try {
      long size = Files.size(path);
      if (size > MAX_BYTES) {
        throw new InputException(path + ": " + size + " bytes is too large for a configuration");
      }
      JsonNode node = JSON.readTree(Files.readAllBytes(path));
      if (node == null || !node.isObject()) {
        throw new InputException(path + ": not a JSON object");
      }
      return new JsonFile(path, "", node);
    } catch (JsonProcessingException e) {
      throw new InputException(path + ": not valid JSON: " + oneLine(e), e);
    } catch (IOException e) {
      throw new InputException(path + ": cannot be read: " + oneLine(e), e);
    }
  }

  /** Reads a file, or gives an empty object when there is none. */
  public static JsonFile readIfPresent(Path path) {
    return Files.exists(path) ? read(path) : new JsonFile(path, "", MissingNode.getInstance());
  }

  public Path path() {
    return path;
  }

  /** The raw value, or null when absent or JSON null. */
  public @Nullable JsonNode get(String key) {
    JsonNode v = node.get(key);
    return v == null || v.isNull() ? null : v;
  }

  public boolean has(String key) {
    return get(key) != null;
  }

  /** Whether the key is there with JSON null, where that means something else than its absence. */
  public boolean isNull(String key) {
    JsonNode v = node.get(key);
    return v != null && v.isNull();
  }

  /** Whether there is such a file or object, if an empty one. */
  public boolean exists() {
    return !node.isMissingNode();
  }

  /** Its keys laid over those of another object; messages about any of them name this one. */
  public JsonFile over(JsonFile below) {
    if (entries().isEmpty()) {
      return below;
    }
    ObjectNode all = JSON.createObjectNode();
    below.entries().forEach(e -> all.set(e.getKey(), e.getValue()));
    entries().forEach(e -> all.set(e.getKey(), e.getValue()));
    return new JsonFile(path, prefix, all);
  }

  /** Every key and its value, in the file's order; none when the object is absent. */
  public Set<Map.Entry<String, JsonNode>> entries() {
    return node.properties();
  }

  /** A nested object; empty when absent. */
  public JsonFile object(String key) {
    JsonNode v = get(key);
    if (v == null) {
      return new JsonFile(path, prefix + key + ".", MissingNode.getInstance());
    }
    if (!v.isObject()) {
      throw bad(key, v, "an object");
    }
    return new JsonFile(path, prefix + key + ".", v);
  }

  /** An integer of at least {@code min}; the default when absent. */
  public int integer(String key, int defaultValue, int min) {
    JsonNode v = get(key);
    if (v == null) {
      return defaultValue;
    }
    if (!v.isIntegralNumber() || !v.canConvertToInt() || v.intValue() < min) {
      throw bad(key, v, "an integer >= " + min);
    }
    return v.intValue();
  }

  /** A finite number above zero; the default when absent. */
  public double positive(String key, double defaultValue) {
    JsonNode v = get(key);
    if (v == null) {
      return defaultValue;
    }
    if (!v.isNumber() || !(v.doubleValue() > 0) || Double.isInfinite(v.doubleValue())) {
      throw bad(key, v, "a number > 0");
    }
    return v.doubleValue();
  }

  /** A boolean; the default when absent. */
  public boolean bool(String key, boolean defaultValue) {
    JsonNode v = get(key);
    if (v == null) {
      return defaultValue;
    }
    if (!v.isBoolean()) {
      throw bad(key, v, "true or false");
    }
    return v.booleanValue();
  }

  /** A string; the default when absent. */
  public String text(String key, String defaultValue) {
    JsonNode v = get(key);
    if (v == null) {
      return defaultValue;
    }
    if (!v.isTextual()) {
      throw bad(key, v, "a string");
    }
    return v.textValue();
  }

  /** A list of numbers or one number for all; the default when absent. */
  public double[] numbers(String key, int count, double defaultValue) {
    double[] values = new double[count];
    JsonNode v = get(key);
    for (int i = 0; i < count; i++) {
      JsonNode e = v == null || !v.isArray() ? v : v.get(i);
      if (e == null) {
        values[i] = defaultValue;
      } else {
        values[i] = e.isNumber() ? e.doubleValue() : Double.NaN;
      }
    }
    if (v != null && v.isArray() && v.size() != count) {
      throw bad(key, v, "a list of " + count + " numbers");
    }
    for (double d : values) {
      if (v != null && !Double.isFinite(d)) {
        throw bad(key, v, "a list of " + count + " finite numbers");
      }
    }
    return values;
  }

  /** One integer or a list of them; null when absent. */
  public int @Nullable [] integers(String key) {
    JsonNode v = get(key);
    if (v == null) {
      return null;
    }
    int[] values = new int[v.isArray() ? v.size() : 1];
    for (int i = 0; i < values.length; i++) {
      JsonNode e = v.isArray() ? v.get(i) : v;
      if (!e.isIntegralNumber() || !e.canConvertToInt() || e.intValue() < 0) {
        throw bad(key, v, "a token id or a list of them");
      }
      values[i] = e.intValue();
    }
    return values;
  }

  /** The exception for a bad value of a key. */
  public InputException bad(String key, JsonNode value, String rule) {
    return new InputException(
        path + ": " + prefix + key + " = " + printable(value.toString()) + ", must be " + rule);
  }

  /** The exception for a bad combination. */
  public InputException bad(String problem) {
    return new InputException(path + ": " + problem);
  }

  /** An exception's message without line breaks or source snippets. */
  public static String oneLine(Exception e) {
    String text =
        e instanceof JsonProcessingException j
            ? j.getOriginalMessage()
            : String.valueOf(e.getMessage());
    return printable(text);
  }

  /** Text from a file made safe for one line of a message. */
  public static String printable(String text) {
    StringBuilder b = new StringBuilder();
    text.codePoints()
        .limit(200)
        .forEach(
            c ->
                b.appendCodePoint(
                    Character.isISOControl(c) || c == 0x2028 || c == 0x2029 ? '?' : c));
    return text.codePointCount(0, text.length()) > 200 ? b + "..." : b.toString();
  }
}
