package org.medpruner.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.memory.Turn;

/**
 * What a list of chat messages says.
 *
 * @param fileId the upload it is about; null if pictures came with it
 * @param pictures PNG or JPEG files in order; empty if there is an upload
 * @param past turns that were answered
 * @param question the one to answer
 */
record Messages(@Nullable String fileId, List<byte[]> pictures, List<Turn> past, String question) {

  /** The same once the pictures are stored, which may be many megabytes. */
  Messages about(StoredFile file) {
    return new Messages(file.id(), List.of(), past, question);
  }

  /**
   * Reads the list.
   *
   * @throws ApiError 400 naming the message that cannot be used
   */
  static Messages parse(@Nullable JsonNode messages) {
    if (!(messages instanceof ArrayNode list) || list.isEmpty()) {
      throw ApiError.bad("messages", "messages must be a list with at least one message");
    }
    Reader reader = new Reader();
    for (int i = 0; i < list.size(); i++) {
      reader.message("messages[" + i + "]", list.get(i));
    }
    return reader.whole();
  }

  private static final class Reader {
    private final List<String> system = new ArrayList<>();
    private final List<Turn> past = new ArrayList<>();
    private final List<byte[]> pictures = new ArrayList<>();
    private @Nullable String fileId;
    private @Nullable String asked;

    void message(String at, JsonNode message) {
      String role = message.path("role").asText("");
      switch (role) {
        case "system", "developer" -> {
          if (asked != null || !past.isEmpty()) {
            throw ApiError.bad(at, at + ": a " + role + " message must come before all others");
          }
          system.add(text(at, message.path("content"), false));
        }
        case "user" -> {
          String text = text(at, message.path("content"), true);
          // A volume and its question may come as two messages.
          asked =
              asked == null || asked.isBlank()
                  ? text
                  : text.isBlank() ? asked : asked + "\n" + text;
        }
        case "assistant" -> {
          String question = asked;
          if (question == null) {
            throw ApiError.bad(at, at + ": an assistant message must answer a user message");
          }
          past.add(new Turn(question(at, question), text(at, message.path("content"), false)));
          asked = null;
        }
        default ->
            throw ApiError.bad(
                at, at + ".role must be system, developer, user or assistant; tools are not known");
      }
    }

    Messages whole() {
      String question = asked;
      if (question == null) {
        throw ApiError.bad("messages", "the last message must be a user's");
      }
      String last = question("messages", question);
      if (fileId == null && pictures.isEmpty()) {
        throw ApiError.bad(
            "messages",
            "no message has a volume: send a part {\"type\":\"file\",\"file\":{\"file_id\":...}} of"
                + " an upload to /v1/files, or image_url parts with the slices in order");
      }
      if (fileId != null && !pictures.isEmpty()) {
        throw ApiError.bad("messages", "a conversation has an upload or pictures, not both");
      }
      return new Messages(fileId, pictures, past, last);
    }

    /** The system's text stands before the first question, as Gemma's template has it. */
    private String question(String at, String text) {
      if (text.isBlank()) {
        throw ApiError.bad(at, at + ": the question is empty; ask something");
      }
      if (!past.isEmpty() || system.isEmpty()) {
        return text.strip();
      }
      return (String.join("\n", system).strip() + "\n\n" + text.strip()).strip();
    }

    private String text(String at, JsonNode content, boolean user) {
      if (content.isTextual()) {
        return content.textValue();
      }
      if (!(content instanceof ArrayNode parts)) {
        throw ApiError.bad(at, at + ".content must be a text or a list of parts");
      }
      List<String> texts = new ArrayList<>();
      for (int i = 0; i < parts.size(); i++) {
        String where = at + ".content[" + i + "]";
        JsonNode part = parts.get(i);
        String type = part.path("type").asText("");
        if (type.equals("text") && part.path("text").isTextual()) {
          texts.add(part.path("text").textValue());
        } else if (user && type.equals("file")) {
          file(where, part.path("file"));
        } else if (user && type.equals("image_url")) {
          picture(where, part.path("image_url").path("url"));
        } else {
          throw ApiError.bad(
              where, where + " must be a part of type text" + (user ? ", file or image_url" : ""));
        }
      }
      return String.join("\n", texts);
    }

    private void file(String at, JsonNode file) {
      JsonNode id = file.path("file_id");
      if (!id.isTextual()) {
        throw ApiError.bad(
            at, at + ".file.file_id is missing; upload the volume to /v1/files first");
      }
      if (fileId != null && !fileId.equals(id.textValue())) {
        throw ApiError.bad(
            at,
            at
                + " is a second volume, but a conversation has one; send several DICOM files as one"
                + " zip or one form");
      }
      fileId = id.textValue();
    }

    private void picture(String at, JsonNode url) {
      if (!past.isEmpty()) {
        throw ApiError.bad(at, at + ": pictures belong into the first message");
      }
      String text = url.asText("");
      int comma = text.indexOf(',');
      String head = text.substring(0, Math.max(comma, 0)).toLowerCase(Locale.ROOT);
      // Addresses are never fetched: they could name anything that this machine reaches.
      if (!head.equals("data:image/png;base64") && !head.equals("data:image/jpeg;base64")) {
        throw ApiError.bad(
            at, at + ".image_url.url must begin with data:image/png;base64, or image/jpeg");
      }
      byte[] picture;
      try {
        picture = Base64.getDecoder().decode(text.substring(comma + 1));
      } catch (IllegalArgumentException e) {
        throw ApiError.bad(at, at + ".image_url.url is not valid base64");
      }
      // Left out it would be a hole in the volume that nobody is told of.
      if (Unzip.pictureEnding(picture).isEmpty()) {
        throw ApiError.bad(
            at, at + ".image_url.url is no PNG, JPEG or BMP picture; convert it to PNG");
      }
      pictures.add(picture);
    }
  }
}
