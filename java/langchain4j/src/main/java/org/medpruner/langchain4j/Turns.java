package org.medpruner.langchain4j;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.memory.Turn;

/**
 * What a list of chat messages says.
 *
 * @param source the volume it is about
 * @param past turns that were answered
 * @param question the one to answer
 */
record Turns(VolumeSource source, List<Turn> past, String question) {
  /**
   * Reads messages.
   *
   * @param root where files must lie; null for anywhere
   * @throws InvalidRequestException naming the message that cannot be used
   * @throws UnsupportedFeatureException naming the message or content of a kind that is not known
   */
  static Turns of(List<ChatMessage> messages, @Nullable Path root) {
    Reader reader = new Reader(root);
    for (int i = 0; i < messages.size(); i++) {
      reader.message("messages[" + i + "]", messages.get(i));
    }
    return reader.whole();
  }

  /** The files of one message of which several make a volume. */
  private static final class Slices {
    final List<byte[]> files = new ArrayList<>();
    String mimeType = "";

    void add(String where, byte[] file, String type) {
      if (!files.isEmpty() && !mimeType.equals(type)) {
        throw new InvalidRequestException(where + ": slices must be of one MIME type, " + mimeType);
      }
      mimeType = type;
      files.add(file);
    }
  }

  private static final class Reader {
    private final @Nullable Path root;
    private final List<String> system = new ArrayList<>();
    private final List<Turn> past = new ArrayList<>();
    private @Nullable VolumeSource source;
    private @Nullable String asked;

    Reader(@Nullable Path root) {
      this.root = root;
    }

    void message(String at, ChatMessage message) {
      switch (message) {
        case SystemMessage s -> {
          if (asked != null || !past.isEmpty()) {
            throw new InvalidRequestException(
                at + ": a system message must come before all others");
          }
          system.add(s.text());
        }
        case UserMessage u -> {
          String text = text(at, u);
          // A volume and its question may come as two messages.
          asked =
              asked == null || asked.isBlank()
                  ? text
                  : text.isBlank() ? asked : asked + "\n" + text;
        }
        case AiMessage a -> answer(at, a);
        default ->
            throw new UnsupportedFeatureException(
                at + ": messages of type " + message.type() + " are not supported, nor tools");
      }
    }

    private void answer(String at, AiMessage message) {
      if (message.hasToolExecutionRequests()) {
        throw new UnsupportedFeatureException(at + ": tools are not supported");
      }
      String question = asked;
      if (question == null) {
        throw new InvalidRequestException(at + ": an answer must follow a user's message");
      }
      String text = message.text();
      past.add(new Turn(question(at, question), text == null ? "" : text));
      asked = null;
    }

    private String text(String at, UserMessage message) {
      List<String> texts = new ArrayList<>();
      Slices slices = new Slices();
      for (int i = 0; i < message.contents().size(); i++) {
        String where = at + ".contents[" + i + "]";
        Content content = message.contents().get(i);
        switch (content) {
          case TextContent t -> texts.add(t.text());
          case ImageContent image -> volume(where, image.image(), slices);
          default ->
              throw new UnsupportedFeatureException(
                  where
                      + (": contents of type " + content.type() + " are not supported;")
                      + " a volume is an ImageContent made with VolumeContent.of");
        }
      }
      if (!slices.files.isEmpty()) {
        one(at, VolumeSource.InMemory.of(slices.files, slices.mimeType));
      }
      return String.join("\n", texts);
    }

    private void volume(String where, Image image, Slices slices) {
      if (image.url() != null) {
        one(where, VolumeSource.of(image.url(), root, where));
        return;
      }
      String type = image.mimeType() == null ? "" : image.mimeType().toLowerCase(Locale.ROOT);
      if (!VolumeSource.isKnown(type)) {
        throw new UnsupportedFeatureException(
            where
                + (": MIME type '" + type + "' is not that of a volume;")
                + " use one of VolumeContent's constants, image/png, image/jpeg or image/bmp");
      }
      if (image.base64Data() == null) {
        throw new InvalidRequestException(where + ": neither a URI nor data");
      }
      byte[] bytes;
      try {
        bytes = Base64.getDecoder().decode(image.base64Data());
      } catch (IllegalArgumentException e) {
        throw new InvalidRequestException(where + ": the data is not valid base64", e);
      }
      if (VolumeSource.SLICES.contains(type)) {
        slices.add(where, bytes, type);
      } else {
        one(where, VolumeSource.InMemory.of(List.of(bytes), type));
      }
    }

    private void one(String where, VolumeSource found) {
      // The same one may be repeated, for a chat memory may have dropped the first.
      if (source != null && !source.equals(found) && !source.digest().equals(found.digest())) {
        throw new UnsupportedFeatureException(
            where + ": a second volume, but a conversation is about one; ask about each by itself");
      }
      source = found;
    }

    Turns whole() {
      String question = asked;
      if (question == null) {
        throw new InvalidRequestException("messages: the last one must be a user's");
      }
      VolumeSource found = source;
      if (found == null) {
        throw new InvalidRequestException(
            "messages: none has a volume; add VolumeContent.of(..) to the first user message"
                + " (where a chat memory has dropped it, to the last)");
      }
      return new Turns(found, List.copyOf(past), question("messages", question));
    }

    /** The system's text stands before the first question, as Gemma's template has it. */
    private String question(String at, String text) {
      if (text.isBlank()) {
        throw new InvalidRequestException(at + ": the question is empty; ask something");
      }
      if (!past.isEmpty() || system.isEmpty()) {
        return text.strip();
      }
      return (String.join("\n", system).strip() + "\n\n" + text.strip()).strip();
    }
  }
}
