package org.medpruner.vlm.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.medpruner.InputException;

/**
 * The chat template of a checkpoint folder, as text. Prompts are not rendered from it; it tells
 * variants of one family apart.
 */
public final class ChatTemplate {
  private static final long MAX_BYTES = 1L << 20;

  private ChatTemplate() {}

  /**
   * The template in {@code chat_template.jinja}, {@code chat_template.json} or {@code
   * tokenizer_config.json}, whichever of them has one first.
   *
   * @return the template, or "" if the folder has none
   * @throws InputException if one of the files cannot be read
   */
  public static String read(Path folder) {
    Path jinja = folder.resolve("chat_template.jinja");
    if (Files.exists(jinja)) {
      try {
        if (Files.size(jinja) > MAX_BYTES) {
          throw new InputException(jinja + ": too large for a chat template");
        }
        return Files.readString(jinja);
      } catch (IOException e) {
        throw new InputException(jinja + ": cannot be read: " + JsonFile.oneLine(e), e);
      }
    }
    for (String name : new String[] {"chat_template.json", "tokenizer_config.json"}) {
      JsonNode template = JsonFile.readIfPresent(folder.resolve(name)).get("chat_template");
      if (template != null && template.isTextual()) {
        return template.textValue();
      }
      // A list of named templates; "default" is the one for a plain conversation.
      if (template != null && template.isArray()) {
        for (JsonNode named : template) {
          if (named.path("name").asText().equals("default")) {
            return named.path("template").asText();
          }
        }
      }
    }
    return "";
  }
}
