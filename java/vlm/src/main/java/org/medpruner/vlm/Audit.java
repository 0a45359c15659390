package org.medpruner.vlm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.RecordComponent;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.ContextualMerge;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.PruningReport.TokenDetail;
import org.medpruner.volume.Volume;

/**
 * The audit record, as {@code docs/audit.schema.json} describes it: what was given, what was kept
 * of it and why, what was asked and answered. Numbers that are not finite become null, for JSON has
 * no others. Made and used by one thread.
 */
public final class Audit {
  /**
   * What was read.
   *
   * @param path how the input is called; never a name that may name the patient
   * @param sha256 of its bytes, 64 hexadecimal digits
   * @param shape voxels left to right, posterior to anterior, inferior to superior; not changed
   * @param spacing millimetres along the axes of {@code shape}, NaN when unknown; not changed
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Input(String path, String sha256, int[] shape, double[] spacing) {
    /**
     * A volume under its own name.
     *
     * @param volume whose provenance gives path and hash
     * @return path, hash, shape and spacing of the volume
     */
    public static Input of(Volume volume) {
      return of(volume, volume.provenance().path().toString());
    }

    /**
     * A volume under another name.
     *
     * @param volume whose provenance gives the hash
     * @param path how it is called in the record; never a name that may name the patient
     * @return that name, and hash, shape and spacing of the volume
     */
    public static Input of(Volume volume, String path) {
      return new Input(path, volume.provenance().sha256(), volume.shape(), volume.spacingMm());
    }
  }

  /**
   * What an unpruned run of the same model gave and cost, relative to the recorded one. A ratio is
   * unpruned over pruned, NaN when unknown.
   *
   * @param unprunedAnswer its answer
   * @param time ratio of the seconds that the requests took
   * @param visualTokens ratio of the visual tokens given to the language model
   * @param prefillTokens ratio of the prompts' tokens
   * @param kvBytes ratio of the bytes of key-value cache held after prefill
   * @param peakMemory ratio of the most bytes held at once
   */
  public record Comparison(
      String unprunedAnswer,
      double time,
      double visualTokens,
      double prefillTokens,
      double kvBytes,
      double peakMemory) {}

  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private final JsonNodeFactory json = JsonNodeFactory.instance;
  private final ObjectNode root = json.objectNode();

  private Audit() {}

  /**
   * The record of one run.
   *
   * @param input what was read
   * @param model null when no model was involved
   * @param report what pruning did; of an answer, the answer's own
   * @param question null when nothing was asked
   * @param answer null when nothing was answered
   * @return a record that more can be added to
   */
  public static Audit of(
      Input input,
      @Nullable ModelInfo model,
      PruningReport report,
      @Nullable String question,
      @Nullable String answer) {
    Audit a = new Audit();
    a.root.set("input", a.input(input));
    a.root.set("model", model == null ? a.json.nullNode() : a.model(model, report));
    a.root.set("policy", a.policy(report.policy()));
    ArrayNode slices = a.root.putArray("slices");
    report.slices().forEach(s -> slices.add(a.slice(s)));
    ObjectNode rates = a.root.putObject("rates");
    number(rates, "slice", report.rates().slice());
    number(rates, "token", report.rates().token());
    number(rates, "overall", report.rates().overall());
    a.root
        .putObject("savings")
        .put("prefillTokens", report.savings().prefillTokens())
        .put("kvBytes", report.savings().kvBytes())
        .put("encoderSlices", report.savings().encoderSlices());
    ObjectNode timings = a.root.putObject("timings");
    report.timings().forEach((stage, seconds) -> number(timings, stage, seconds));
    ArrayNode flags = a.root.putArray("flags");
    report.flags().forEach(flags::add);
    a.root.put("question", question);
    a.root.put("answer", answer);
    return a;
  }

  /**
   * Adds how the answer was generated, and what ended it.
   *
   * @param options the answer was asked for with
   * @param answer whose number of tokens and ending are recorded
   * @return this
   */
  public Audit withGeneration(GenerationOptions options, Answer answer) {
    ObjectNode g = root.putObject("generation");
    g.put("samplingTemperature", options.sampling().temperature());
    g.put("topK", options.sampling().topK());
    g.put("topP", options.sampling().topP());
    g.put("repetitionPenalty", options.sampling().repetitionPenalty());
    g.put("seed", options.sampling().seed());
    ArrayNode stops = g.putArray("stopStrings");
    options.stopStrings().forEach(stops::add);
    g.put("tokens", answer.tokenIds().size());
    g.put("ending", Words.of(answer.ending()));
    return this;
  }

  /**
   * Adds the known right answer.
   *
   * @param truth null when none is known, which adds nothing
   * @return this
   */
  public Audit withTruth(@Nullable String truth) {
    if (truth != null) {
      root.put("truth", truth);
    }
    return this;
  }

  /**
   * Adds what an unpruned run gave and cost.
   *
   * @param ratios unpruned over pruned; those that are not finite become null
   * @return this
   */
  public Audit withComparison(Comparison ratios) {
    ObjectNode c = root.putObject("comparison");
    c.put("unprunedAnswer", ratios.unprunedAnswer());
    number(c, "time", ratios.time());
    number(c, "visualTokens", ratios.visualTokens());
    number(c, "prefillTokens", ratios.prefillTokens());
    number(c, "kvBytes", ratios.kvBytes());
    number(c, "peakMemory", ratios.peakMemory());
    return this;
  }

  /** {@return the record as an indented JSON object with a line break at its end} */
  public String text() {
    return write(root);
  }

  private static String write(JsonNode node) {
    try {
      return MAPPER.writeValueAsString(node) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the audit record cannot be written as JSON", e);
    }
  }

  /**
   * The records of several volumes as one array.
   *
   * @param records in the order they are to have
   * @return an indented JSON array with a line break at its end
   */
  public static String text(List<Audit> records) {
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    records.forEach(r -> all.add(r.root));
    return write(all);
  }

  private ObjectNode input(Input input) {
    ObjectNode o = json.objectNode();
    o.put("path", input.path());
    o.put("sha256", input.sha256());
    ArrayNode shape = o.putArray("shape");
    for (int n : input.shape()) {
      shape.add(n);
    }
    ArrayNode spacing = o.putArray("spacing");
    for (double mm : input.spacing()) {
      if (Double.isFinite(mm)) {
        spacing.add(mm);
      } else {
        spacing.addNull();
      }
    }
    return o;
  }

  /** Tokens per slice are the volume's: some models have no number of their own. */
  private ObjectNode model(ModelInfo m, PruningReport report) {
    return json.objectNode()
        .put("path", m.path())
        .put("family", m.family())
        .put("parameters", m.parameters())
        .put("storageType", m.storageType())
        .put("computeType", m.computeType())
        .put("device", m.device())
        .put("imageSize", m.imageSize())
        .put("tokensPerSlice", report.tokensPerSlice())
        .put("contextLength", m.contextLength());
  }

  /** Every component of the record, so that a field added later cannot be forgotten here. */
  private ObjectNode policy(PruningPolicy policy) {
    ObjectNode o = json.objectNode();
    for (RecordComponent c : PruningPolicy.class.getRecordComponents()) {
      Object value;
      try {
        value = c.getAccessor().invoke(policy);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("policy field " + c.getName() + " cannot be read", e);
      }
      switch (value) {
        case String s -> o.put(c.getName(), s);
        case Boolean b -> o.put(c.getName(), b);
        case Enum<?> e -> o.put(c.getName(), Words.of(e));
        case Integer i -> o.put(c.getName(), i);
        case Long l -> o.put(c.getName(), l);
        case Double d -> number(o, c.getName(), d);
        default -> throw new IllegalStateException("policy field " + c.getName() + " = " + value);
      }
    }
    return o;
  }

  private ObjectNode slice(SliceReport s) {
    ObjectNode o = json.objectNode();
    o.put("index", s.index());
    o.put("sourceIndex", s.sourceIndex());
    number(o, "positionMm", s.positionMm());
    o.put("kept", s.kept());
    number(o, "distance", s.distance());
    o.put("representative", s.representative());
    o.put("nucleus", s.nucleus());
    number(o, "massKept", s.massKept());
    o.put("targets", s.targets());
    o.put("tokens", s.tokens());
    TokenDetail detail = s.detail();
    if (detail != null) {
      o.set("nucleusTokens", tokensOfRole(detail, ContextualMerge.ROLE_NUCLEUS));
      o.set("targetTokens", tokensOfRole(detail, ContextualMerge.ROLE_TARGET));
      ArrayNode assignment = o.putArray("assignment");
      for (int target : detail.assignment()) {
        assignment.add(target);
      }
    }
    return o;
  }

  private ArrayNode tokensOfRole(TokenDetail detail, byte role) {
    ArrayNode tokens = json.arrayNode();
    for (int t = 0; t < detail.role().length; t++) {
      if (detail.role()[t] == role) {
        tokens.add(t);
      }
    }
    return tokens;
  }

  private static void number(ObjectNode o, String field, double value) {
    if (Double.isFinite(value)) {
      o.put(field, value);
    } else {
      o.putNull(field);
    }
  }
}
