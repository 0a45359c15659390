package org.medpruner.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.Ending;

/**
 * The objects that answer one chat request, as OpenAI writes them.
 *
 * @param id also the audit record's
 * @param created seconds since 1970
 * @param model its name
 */
record Completion(String id, long created, String model) {
  static Completion of(String model) {
    return new Completion(
        "chatcmpl-" + UUID.randomUUID(), System.currentTimeMillis() / 1000, model);
  }

  /** The whole answer. */
  ObjectNode whole(Answer answer, PruningReport report) {
    ObjectNode root = begin("chat.completion");
    ObjectNode choice = root.putArray("choices").addObject().put("index", 0);
    choice
        .putObject("message")
        .put("role", "assistant")
        .put("content", answer.text())
        .putNull("refusal");
    choice.putNull("logprobs").put("finish_reason", reason(answer.ending()));
    usage(root, answer);
    pruning(root, answer, report);
    return root;
  }

  /** The first event of a stream. */
  ObjectNode first() {
    return chunk("assistant", "", null);
  }

  /** A piece of text. */
  ObjectNode piece(String text) {
    return chunk(null, text, null);
  }

  /** The event that says why the answer ends, and what pruning did. */
  ObjectNode last(Answer answer, PruningReport report) {
    ObjectNode root = chunk(null, null, reason(answer.ending()));
    pruning(root, answer, report);
    return root;
  }

  /** The event with the token counts, which has no choice. */
  ObjectNode usage(Answer answer) {
    ObjectNode root = begin("chat.completion.chunk");
    root.putArray("choices");
    usage(root, answer);
    return root;
  }

  private ObjectNode begin(String object) {
    return Json.object()
        .put("id", id)
        .put("object", object)
        .put("created", created)
        .put("model", model);
  }

  private ObjectNode chunk(
      @Nullable String role, @Nullable String content, @Nullable String reason) {
    ObjectNode root = begin("chat.completion.chunk");
    ObjectNode choice = root.putArray("choices").addObject().put("index", 0);
    ObjectNode delta = choice.putObject("delta");
    if (role != null) {
      delta.put("role", role);
    }
    if (content != null) {
      delta.put("content", content);
    }
    choice.put("finish_reason", reason);
    return root;
  }

  private static String reason(Ending ending) {
    return ending == Ending.LENGTH ? "length" : "stop";
  }

  private static void usage(ObjectNode root, Answer answer) {
    int completion = answer.tokenIds().size();
    root.putObject("usage")
        .put("prompt_tokens", answer.promptTokens())
        .put("completion_tokens", completion)
        .put("total_tokens", answer.promptTokens() + completion);
  }

  private void pruning(ObjectNode root, Answer answer, PruningReport report) {
    ObjectNode own = root.putObject("medpruner");
    own.put("audit", "/v1/audits/" + id);
    own.put("policy", report.policy().name());
    own.put("slices", report.slices().size());
    own.put("slices_kept", report.slices().stream().filter(SliceReport::kept).count());
    own.put("visual_tokens", report.slices().stream().mapToLong(SliceReport::tokens).sum());
    own.put("unpruned_prompt_tokens", answer.unprunedPromptTokens());
    ObjectNode seconds = own.putObject("seconds");
    report.timings().forEach(seconds::put);
    ArrayNode notes = own.putArray("notes");
    report.flags().forEach(notes::add);
  }
}
