package org.medpruner.vlm.prompt;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.vlm.checkpoint.JsonFile;

/**
 * The added tokens that a checkpoint names beside its {@code tokenizer.json} only: in {@code
 * tokenizer_config.json}'s {@code added_tokens_decoder} or in {@code added_tokens.json}. A folder
 * whose {@code tokenizer.json} is the base model's has the image token there.
 */
final class AddedTokens {
  private static final JsonMapper JSON = new JsonMapper();
  private static final List<String> FLAGS =
      List.of("single_word", "lstrip", "rstrip", "normalized", "special");

  /**
   * A token.
   *
   * @param content as it is written
   * @param id in the model's vocabulary
   * @param source file that names it
   * @param flags how it is matched, and whether decoding leaves it out
   */
  record Token(String content, int id, Path source, Map<String, Boolean> flags) {}

  private AddedTokens() {}

  /**
   * The tokens that {@code tokenizer.json} does not list among its own added ones, by their ids.
   *
   * @param file the {@code tokenizer.json}; of one that is no JSON nothing is said here
   * @throws InputException if one of the other files is not what it should be; the message names it
   */
  static List<Token> lacking(Path file) throws IOException {
    Map<String, Token> named = named(file);
    if (named.isEmpty()) {
      return List.of();
    }
    try {
      listed(file).forEach(named::remove);
    } catch (JsonProcessingException e) {
      return List.of();
    }
    Map<Integer, Token> byId = new TreeMap<>();
    for (Token token : named.values()) {
      Token other = byId.put(token.id(), token);
      if (other != null) {
        throw taken(token, other.content(), other.source());
      }
    }
    return List.copyOf(byId.values());
  }

  private static Map<String, Token> named(Path file) {
    Map<String, Token> named = new LinkedHashMap<>();
    JsonFile config = JsonFile.readIfPresent(file.resolveSibling("tokenizer_config.json"));
    JsonFile decoder = config.object("added_tokens_decoder");
    for (Map.Entry<String, JsonNode> e : decoder.entries()) {
      String content = e.getValue().path("content").asText();
      if (!e.getKey().matches("\\d{1,9}") || content.isEmpty()) {
        throw decoder.bad(e.getKey(), e.getValue(), "a token with its content, by its id");
      }
      Map<String, Boolean> flags = new LinkedHashMap<>();
      FLAGS.forEach(f -> flags.put(f, e.getValue().path(f).asBoolean()));
      named.put(content, new Token(content, Integer.parseInt(e.getKey()), config.path(), flags));
    }
    JsonFile added = JsonFile.readIfPresent(file.resolveSibling("added_tokens.json"));
    JsonFile map = JsonFile.readIfPresent(file.resolveSibling("special_tokens_map.json"));
    Set<String> names = new HashSet<>();
    List.of(config, map).forEach(f -> special(f, names));
    for (Map.Entry<String, JsonNode> e : added.entries()) {
      String content = e.getKey();
      int id = added.integer(content, 0, 0);
      if (content.isEmpty() || added.isNull(content)) {
        throw added.bad(content, e.getValue(), "the id of a token");
      }
      // This file has no flags: transformers takes these.
      Map<String, Boolean> flags = new LinkedHashMap<>();
      FLAGS.forEach(f -> flags.put(f, false));
      flags.put("special", names.contains(content));
      flags.put("normalized", !names.contains(content));
      named.putIfAbsent(content, new Token(content, id, added.path(), flags));
    }
    return named;
  }

  /** Collects what a file calls special, such as {@code eos_token}. */
  private static void special(JsonFile file, Set<String> into) {
    for (Map.Entry<String, JsonNode> e : file.entries()) {
      if (e.getKey().endsWith("_token") || e.getKey().endsWith("_special_tokens")) {
        special(e.getValue(), into);
      }
    }
  }

  private static void special(JsonNode value, Set<String> into) {
    if (value.isTextual()) {
      into.add(value.textValue());
    } else {
      value.forEach(part -> special(part, into));
    }
  }

  /** Contents of the added tokens, read no further than to their end: vocabularies are large. */
  private static Set<String> listed(Path file) throws IOException {
    Set<String> contents = new HashSet<>();
    try (JsonParser in = JSON.getFactory().createParser(file.toFile())) {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        return contents;
      }
      for (String key = in.nextFieldName(); key != null; key = in.nextFieldName()) {
        in.nextToken();
        if (key.equals("added_tokens")) {
          JsonNode tokens = JSON.readTree(in);
          tokens.forEach(t -> contents.add(t.path("content").asText()));
          break;
        }
        in.skipChildren();
      }
    }
    return contents;
  }

  /**
   * A {@code tokenizer.json} with further added tokens.
   *
   * @return null for a file that is no tokenizer, of which the library says what is wrong
   * @throws InputException if a token's id is another's
   */
  static byte @Nullable [] completed(Path file, Collection<Token> tokens) throws IOException {
    JsonNode root;
    try {
      root = JSON.readTree(file.toFile());
    } catch (JsonProcessingException e) {
      return null;
    }
    if (!(root instanceof ObjectNode tokenizer) || !root.path("model").isObject()) {
      return null;
    }
    ArrayNode added =
        tokenizer.get("added_tokens") instanceof ArrayNode listed
            ? listed
            : tokenizer.putArray("added_tokens");
    Map<Integer, String> contents = new HashMap<>();
    JsonNode vocabulary = root.path("model").path("vocab");
    vocabulary.properties().forEach(e -> contents.put(e.getValue().asInt(), e.getKey()));
    added.forEach(t -> contents.put(t.path("id").asInt(), t.path("content").asText()));
    for (Token token : tokens) {
      String other = contents.putIfAbsent(token.id(), token.content());
      if (other != null && !other.equals(token.content())) {
        throw taken(token, other, file);
      }
      ObjectNode entry = added.addObject().put("id", token.id()).put("content", token.content());
      token.flags().forEach(entry::put);
    }
    // The library looks an added token's id up in the vocabulary and counts on from the last one
    // for those it does not find: with all of them in it, each has the id that is written.
    if (vocabulary instanceof ObjectNode entries) {
      for (JsonNode t : added) {
        String content = t.path("content").asText();
        if (!entries.has(content)) {
          entries.put(content, t.path("id").asInt());
        }
      }
    }
    return JSON.writeValueAsBytes(root);
  }

  private static InputException taken(Token token, String other, Path file) {
    return new InputException(
        token.source()
            + " gives "
            + JsonFile.printable(token.content())
            + " the id "
            + token.id()
            + ", which is "
            + JsonFile.printable(other)
            + " in "
            + file
            + "; the files are not of one model");
  }
}
