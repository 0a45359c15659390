package org.medpruner;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The small safetensors file among the test resources. */
final class Goldens {
  private final JsonNode header;
  private final ByteBuffer data;

  private Goldens(JsonNode header, ByteBuffer data) {
    this.header = header;
    this.data = data;
  }

  static Goldens load() {
    try (InputStream in = Goldens.class.getResourceAsStream("/golden/ops.safetensors")) {
      ByteBuffer file =
          ByteBuffer.wrap(Objects.requireNonNull(in, "golden/ops.safetensors").readAllBytes())
              .order(ByteOrder.LITTLE_ENDIAN);
      int size = Math.toIntExact(file.getLong());
      byte[] text = new byte[size];
      file.get(text);
      JsonNode header = new ObjectMapper().readTree(new String(text, StandardCharsets.UTF_8));
      return new Goldens(header, file.slice().order(ByteOrder.LITTLE_ENDIAN));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  List<String> names() {
    return header.propertyStream().map(e -> e.getKey()).toList();
  }

  private ByteBuffer bytes(String name, String dtype) {
    @Nullable JsonNode t = header.get(name);
    if (t == null || !t.get("dtype").asText().equals(dtype)) {
      throw new AssertionError("no " + dtype + " tensor " + name);
    }
    int from = t.get("data_offsets").get(0).asInt();
    int to = t.get("data_offsets").get(1).asInt();
    return data.slice(from, to - from).order(ByteOrder.LITTLE_ENDIAN);
  }

  int size(String name, int dimension) {
    return header.get(name).get("shape").get(dimension).asInt();
  }

  float[] floats(String name) {
    ByteBuffer b = bytes(name, "F32");
    float[] a = new float[b.remaining() / 4];
    b.asFloatBuffer().get(a);
    return a;
  }

  long[] longs(String name) {
    ByteBuffer b = bytes(name, "I64");
    long[] a = new long[b.remaining() / 8];
    b.asLongBuffer().get(a);
    return a;
  }

  int[] ints(String name) {
    ByteBuffer b = bytes(name, "I32");
    int[] a = new int[b.remaining() / 4];
    b.asIntBuffer().get(a);
    return a;
  }

  byte[] u8(String name) {
    ByteBuffer b = bytes(name, "U8");
    byte[] a = new byte[b.remaining()];
    b.get(a);
    return a;
  }
}
