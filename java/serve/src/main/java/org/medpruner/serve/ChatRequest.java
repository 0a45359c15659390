package org.medpruner.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Sampling;
import org.medpruner.volume.VolumeReading;

/**
 * A chat completion asked for.
 *
 * @param stream whether the answer comes in pieces
 * @param usage whether a stream ends with token counts
 */
record ChatRequest(
    boolean stream,
    boolean usage,
    Messages messages,
    VolumeReading reading,
    PruningPolicy policy,
    GenerationOptions generation) {

  /** OpenAI's fields that would change the answer and are not known here. */
  private static final List<String> UNKNOWN =
      List.of("tools", "functions", "logit_bias", "audio", "prediction", "web_search_options");

  private static final Set<String> OWN =
      Set.of(
          "preset",
          "modality",
          "axis",
          "reverse",
          "max_slices",
          "series",
          "layout",
          "top_k",
          "repetition_penalty");

  /** Sampling's names of what clients may put out of its range, and theirs. */
  private static final Map<String, String> SENT_AS =
      Map.of(
          "temperature", "temperature",
          "topP", "top_p",
          "repetitionPenalty", "medpruner.repetition_penalty");

  /**
   * Reads a request's body.
   *
   * @param model name of the model that is served
   * @throws ApiError 400 or 404 naming the field that cannot be used
   */
  static ChatRequest parse(ObjectNode body, String model, ServerOptions defaults) {
    Fields fields = new Fields(body, "");
    String named = fields.text("model");
    if (named == null) {
      throw fields.wrong("model", "\"" + model + "\"");
    }
    if (!named.equals(model)) {
      throw ApiError.notFound(
          "model_not_found", "model", "this server has one model, \"" + model + "\"");
    }
    refuseUnknown(fields);
    Fields own = fields.object("medpruner");
    if (own == null) {
      own = new Fields(Json.object(), "medpruner.");
    }
    for (String name : own.names()) {
      if (!OWN.contains(name) && !PolicyFields.names().contains(name)) {
        // The name is the client's text; it is not repeated.
        throw ApiError.bad(
            "medpruner", "medpruner has a field that is not known; see docs/serve.md");
      }
    }
    Fields stream = fields.object("stream_options");
    return new ChatRequest(
        fields.flag("stream", false),
        stream != null && stream.flag("include_usage", false),
        Messages.parse(fields.node("messages")),
        reading(own),
        PolicyFields.policy(own, defaults.policy()),
        generation(fields, own, defaults.generation()));
  }

  private static void refuseUnknown(Fields fields) {
    for (String name : UNKNOWN) {
      JsonNode node = fields.node(name);
      // A scalar is empty too.
      if (node != null && !(node.isContainerNode() && node.isEmpty())) {
        throw ApiError.bad(name, name + " is not known here; leave it out");
      }
    }
    fields.integer("n", 1, 1, 1);
    if (fields.flag("logprobs", false)) {
      throw fields.wrong("logprobs", "false");
    }
    for (String name : List.of("frequency_penalty", "presence_penalty")) {
      if (fields.number(name, 0) != 0) {
        throw fields.wrong(name, "0; there is medpruner.repetition_penalty");
      }
    }
    Fields format = fields.object("response_format");
    if (format != null && !"text".equals(format.text("type"))) {
      throw fields.wrong("response_format", "of type text");
    }
  }

  private static VolumeReading reading(Fields own) {
    VolumeReading d = VolumeReading.DEFAULT;
    return new VolumeReading(
        own.word("modality", d.modality()),
        own.word("axis", d.axis()),
        own.flag("reverse", d.reverse()),
        own.integer("max_slices", d.maxSlices(), 1, 10_000),
        d.options().withSeries(own.text("series")));
  }

  private static GenerationOptions generation(
      Fields fields, Fields own, GenerationOptions defaults) {
    Sampling d = defaults.sampling();
    int old = fields.integer("max_tokens", defaults.maxNewTokens(), 1, Integer.MAX_VALUE);
    Sampling sampling;
    try {
      sampling =
          new Sampling(
              fields.number("temperature", d.temperature()),
              own.integer("top_k", d.topK(), 0, Integer.MAX_VALUE),
              fields.number("top_p", d.topP()),
              own.number("repetition_penalty", d.repetitionPenalty()),
              fields.integer("seed", d.seed()));
    } catch (IllegalArgumentException e) {
      throw outOfRange(String.valueOf(e.getMessage()));
    }
    return new GenerationOptions(
        fields.integer("max_completion_tokens", old, 1, Integer.MAX_VALUE),
        own.word("layout", defaults.layout()),
        sampling,
        stops(fields, defaults.stopStrings()));
  }

  /**
   * Sampling's messages begin with a name of its own; the client is told the one that it sent.
   *
   * @param message one that begins otherwise is told as it is
   */
  static ApiError outOfRange(String message) {
    for (Map.Entry<String, String> name : SENT_AS.entrySet()) {
      if (message.startsWith(name.getKey() + " ")) {
        return ApiError.bad(
            name.getValue(), name.getValue() + message.substring(name.getKey().length()));
      }
    }
    return ApiError.bad(null, message);
  }

  private static List<String> stops(Fields fields, List<String> defaults) {
    JsonNode node = fields.node("stop");
    if (node == null) {
      return defaults;
    }
    ApiError wrong = fields.wrong("stop", "a text, or a list of at most 16, none of them empty");
    if (!node.isTextual() && !node.isArray()) {
      throw wrong;
    }
    List<String> stops = new ArrayList<>();
    for (JsonNode stop : node.isTextual() ? List.of(node) : node) {
      if (!stop.isTextual() || stop.textValue().isEmpty() || stops.size() == 16) {
        throw wrong;
      }
      stops.add(stop.textValue());
    }
    return stops;
  }

  /** The same once its pictures are stored. */
  ChatRequest about(StoredFile file) {
    return new ChatRequest(stream, usage, messages.about(file), reading, policy, generation);
  }
}
