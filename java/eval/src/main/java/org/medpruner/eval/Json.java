package org.medpruner.eval;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import java.io.IOException;
import org.medpruner.NucleusSelect;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.Words;

/**
 * JSON of a run's files: record components are fields, constants of enums words ("kept-slices"), as
 * in the audit record.
 */
final class Json {
  static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .addModule(words())
          .build();

  private Json() {}

  /** One line, without a line break inside or behind. */
  static String line(Object value) {
    return text(value, false);
  }

  /** Indented, with a line break at the end. */
  static String page(Object value) {
    return text(value, true) + "\n";
  }

  private static String text(Object value, boolean indented) {
    try {
      return indented
          ? MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value)
          : MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of a run cannot be written as JSON", e);
    }
  }

  private static SimpleModule words() {
    SimpleModule module = new SimpleModule("words");
    add(module, Sample.Kind.class);
    add(module, PromptLayout.class);
    add(module, PruningPolicy.EncoderScope.class);
    add(module, NucleusSelect.Score.class);
    add(module, PruningPolicy.PatchPooling.class);
    add(module, PruningPolicy.DroppedSlice.class);
    add(module, PruningPolicy.ImageMask.class);
    add(module, PruningPolicy.Positions.class);
    add(module, PruningPolicy.DeepStack.class);
    add(module, PruningPolicy.Resizing.class);
    return module;
  }

  private static <E extends Enum<E>> void add(SimpleModule module, Class<E> type) {
    module.addSerializer(
        type,
        new JsonSerializer<E>() {
          @Override
          public void serialize(E value, JsonGenerator out, SerializerProvider provider)
              throws IOException {
            out.writeString(Words.of(value));
          }
        });
    module.addDeserializer(
        type,
        new JsonDeserializer<E>() {
          @Override
          public E deserialize(JsonParser in, DeserializationContext context) throws IOException {
            String text = in.getText();
            return Words.value(type, text)
                .orElseThrow(
                    () -> context.weirdStringException(text, type, "not one of its words"));
          }
        });
  }
}
