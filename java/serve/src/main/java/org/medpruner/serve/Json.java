package org.medpruner.serve;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;

/** Reads and writes JSON. */
final class Json {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          // Pictures are strings; the body's own limit bounds them.
                          .maxStringLength(Integer.MAX_VALUE)
                          .maxNestingDepth(64)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  /**
   * Reads an object.
   *
   * @param body of bytes in memory, read to its end
   * @throws ApiError 400 if it is none; what it holds is not repeated
   */
  static ObjectNode object(InputStream body) {
    try {
      if (MAPPER.readTree(body) instanceof ObjectNode object) {
        return object;
      }
      throw ApiError.bad(null, "the body must be a JSON object");
    } catch (JsonProcessingException e) {
      throw ApiError.bad(
          null,
          "the body is not valid JSON, in line "
              + (e.getLocation() == null ? "?" : e.getLocation().getLineNr())
              + " column "
              + (e.getLocation() == null ? "?" : e.getLocation().getColumnNr()));
    } catch (IOException e) {
      // Bytes in memory can be read; what fails is to decode UTF-32.
      throw ApiError.bad(null, "the body's characters cannot be decoded; send UTF-8");
    }
  }

  /** Writes a node. */
  static byte[] bytes(JsonNode node) {
    try {
      return MAPPER.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree that cannot be written", e);
    }
  }

  /** A new object. */
  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }
}
