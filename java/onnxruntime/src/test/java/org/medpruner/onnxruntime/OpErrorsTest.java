package org.medpruner.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.medpruner.onnxruntime.Messages.assertOneLine;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a node says when its attributes or inputs are wrong, and what a float attribute means. */
class OpErrorsTest {
  private static OnnxGraph graph(String op, Map<String, Object> attributes) {
    return switch (op) {
      case "SliceAnchor" ->
          new OnnxGraph()
              .input("slices", OnnxGraph.FLOAT, "D", "S")
              .input("offsets", OnnxGraph.INT64, "G")
              .output("kept", OnnxGraph.INT64)
              .node(op, List.of("slices", "offsets"), List.of("kept"), attributes);
      case "AttentionMass" ->
          new OnnxGraph()
              .input("query", OnnxGraph.FLOAT, "N", 2, 4)
              .output("mass", OnnxGraph.FLOAT)
              .node(op, List.of("query", "query"), List.of("mass", "keys", "rest"), attributes);
      case "NucleusSelect" ->
          new OnnxGraph()
              .input("scores", OnnxGraph.FLOAT, "N")
              .output("nucleus", OnnxGraph.BOOL)
              .node(op, List.of("scores"), List.of("nucleus"), attributes);
      default ->
          new OnnxGraph()
              .input("features", OnnxGraph.FLOAT, "N", 2)
              .input("nucleus", OnnxGraph.BOOL, "N")
              .output("tokens", OnnxGraph.FLOAT)
              .node(
                  op,
                  List.of("features", "features", "nucleus"),
                  List.of("tokens", "kept", "offsets"),
                  attributes);
    };
  }

  static Stream<Arguments> badAttributes() {
    return Stream.of(
        arguments("SliceAnchor", Map.of(), "attribute gamma is missing"),
        arguments("SliceAnchor", Map.of("gamma", Float.NaN), "attribute gamma is NaN"),
        arguments("SliceAnchor", Map.of("gamma", "0.05"), "attribute gamma has the wrong type"),
        arguments("SliceAnchor", Map.of("gamma", 0.1f, "scale", 0f), "attribute scale is 0"),
        arguments("SliceAnchor", Map.of("gamma", 0.1f, "max_gap", -1), "max_gap is -1"),
        arguments(
            "SliceAnchor", Map.of("gamma", 0.1f, "max_gap", 1f), "max_gap has the wrong type"),
        arguments("SliceAnchor", Map.of("gamma", 0.1f, "patch_gamma", 1f), "go together"),
        arguments(
            "SliceAnchor",
            Map.of("gamma", 0.1f, "patch_gamma", 1f, "patch", new long[] {0, 4}),
            "attribute patch[0] is 0"),
        arguments("AttentionMass", Map.of("scale", -1f), "attribute scale is -1"),
        arguments("AttentionMass", Map.of("group", 0), "attribute group is 0"),
        arguments("AttentionMass", Map.of("grid", new long[] {4, 4}), "go together"),
        arguments("AttentionMass", Map.of("grid", new long[] {4}), "has 1 values, expected 2"),
        arguments(
            "AttentionMass",
            Map.of("grid", new long[] {4, 4}, "block", new long[] {3, 1}),
            "attribute block[0] is 3, expected a divisor of grid[0]"),
        arguments("NucleusSelect", Map.of("tau", 1.5f), "attribute tau is 1.5"),
        arguments("NucleusSelect", Map.of("tau", 0), "attribute tau is 0"),
        arguments("NucleusSelect", Map.of("tau", 0.9f, "score", "rank"), "score is \"rank\""),
        arguments("NucleusSelect", Map.of("tau", 0.9f, "temperature", 0f), "temperature is 0"),
        arguments(
            "NucleusSelect",
            Map.of("tau", 0.9f, "min_tokens", 5, "max_tokens", 4),
            "min_tokens is 5"),
        arguments("ContextualMerge", Map.of("ratio", 2f), "attribute ratio is 2"),
        arguments("ContextualMerge", Map.of(), "attribute ratio is missing"));
  }

  /** Types that the C API has no getter for, or one that copies: they were taken for absent. */
  static Stream<Arguments> attributesOfOtherTypes() {
    Map<String, Map<String, Object>> ops =
        Map.of(
            "SliceAnchor",
            Map.of("gamma", 0.1f, "max_gap", 1, "patch_gamma", 0.5f, "patch", new long[] {4, 4}),
            "AttentionMass",
            Map.of("scale", 1f, "group", 1, "grid", new long[] {4, 4}, "block", new long[] {2, 2}),
            "NucleusSelect",
            Map.of("tau", 0.5f, "score", "mass", "temperature", 1f, "min_tokens", 1),
            "ContextualMerge",
            Map.of("ratio", 0.5f));
    return ops.entrySet().stream()
        .flatMap(
            op ->
                op.getValue().entrySet().stream()
                    .flatMap(
                        attribute -> {
                          Object wrong = new String[] {"mass"};
                          boolean real = attribute.getValue() instanceof Float;
                          return (real ? Stream.of(wrong) : Stream.of(wrong, 4.0))
                              .map(value -> arguments(op.getKey(), attribute.getKey(), value));
                        }));
  }

  @ParameterizedTest
  @MethodSource("attributesOfOtherTypes")
  void anAttributeOfAnotherTypeIsNotAbsent(String op, String name, Object value) {
    Map<String, Object> attributes = new HashMap<>();
    if (op.equals("NucleusSelect")) {
      attributes.put("tau", 0.5f);
    } else if (op.equals("SliceAnchor")) {
      attributes.put("gamma", 0.1f);
    }
    attributes.put(name, value);
    OrtException e =
        assertThrows(OrtException.class, () -> new Model(graph(op, attributes)).close());
    assertOneLine(e, op + ": ", "attribute " + name + " has the wrong type, expected ");
  }

  /** Said when the session is made, not when it runs. */
  @ParameterizedTest
  @MethodSource("badAttributes")
  void badAttributesRefuseTheModel(String op, Map<String, Object> attributes, String expected) {
    OrtException e =
        assertThrows(OrtException.class, () -> new Model(graph(op, attributes)).close());
    assertOneLine(e, op + ": ", expected);
  }

  @Test
  void badInputsFailTheRunAndNothingElse() throws OrtException {
    try (var model = new Model(graph("SliceAnchor", Map.of("gamma", 0.1f)))) {
      OrtException e =
          assertThrows(
              OrtException.class,
              () ->
                  model.run(
                      Map.of(
                          "slices", Model.tensor(new float[6], 3, 2),
                          "offsets", Model.tensor(new long[] {0, 2, 1, 3}, 4))));
      assertOneLine(e, "SliceAnchor: offsets");
      assertEquals(OrtException.OrtErrorCode.ORT_INVALID_ARGUMENT, e.getCode());
      try (var good =
          model.run(
              Map.of(
                  "slices", Model.tensor(new float[6], 3, 2),
                  "offsets", Model.tensor(new long[] {0, 2, 3}, 3)))) {
        assertArrayEquals(new long[] {0, 2}, good.longs("kept"));
      }
    }
    try (var model = new Model(graph("AttentionMass", Map.of("group", 4)))) {
      OrtException e =
          assertThrows(
              OrtException.class,
              () -> model.run(Map.of("query", Model.tensor(new float[6 * 8], 6, 2, 4))));
      assertOneLine(e, "AttentionMass: ", "multiple");
    }
  }

  /**
   * Inputs whose shapes do not belong together: the library's own checks, no reading past an end.
   */
  @Test
  void inputsOfOtherLengthsAreRefused() throws OrtException {
    OnnxGraph graph =
        new OnnxGraph()
            .input("features", OnnxGraph.FLOAT, "a", "b")
            .input("keys", OnnxGraph.FLOAT, "c", "d")
            .input("nucleus", OnnxGraph.BOOL, "e")
            .output("tokens", OnnxGraph.FLOAT)
            .node(
                "ContextualMerge",
                List.of("features", "keys", "nucleus"),
                List.of("tokens", "kept", "offsets"),
                Map.of("ratio", 0.5f));
    try (var model = new Model(graph)) {
      assertOneLine(merge(model, 4, 3, 4), "ContextualMerge: keys: shape is [3, 3], expected [4");
      assertOneLine(merge(model, 4, 4, 5), "ContextualMerge: nucleus: shape is [5], expected [4");
      assertOneLine(merge(model, 5, 4, 5), "ContextualMerge: keys: shape is [4, 3], expected [5");
    }
    OnnxGraph scores =
        new OnnxGraph()
            .input("scores", OnnxGraph.FLOAT, "a", "b")
            .output("nucleus", OnnxGraph.BOOL)
            .node("NucleusSelect", List.of("scores"), List.of("nucleus"), Map.of("tau", 0.5f));
    try (var model = new Model(scores)) {
      OrtException e =
          assertThrows(
              OrtException.class,
              () -> model.run(Map.of("scores", Model.tensor(new float[6], 2, 3))));
      assertOneLine(e, "NucleusSelect: scores: has 2 dimensions, expected 1");
    }
  }

  private static OrtException merge(Model model, int features, int keys, int nucleus) {
    return assertThrows(
        OrtException.class,
        () ->
            model.run(
                Map.of(
                    "features", Model.tensor(new float[features * 2], features, 2),
                    "keys", Model.tensor(new float[keys * 3], keys, 3),
                    "nucleus", Model.tensor(new byte[nucleus], OnnxJavaType.BOOL, nucleus))));
  }

  /**
   * 0.6 of ten equal scores is six. The float nearest to 0.6 is above it; an attribute means what
   * its author wrote. A double in a tensor is exact.
   */
  @Test
  void aFloatAttributeIsTheDecimalItStandsFor() throws OrtException {
    assertEquals(6, kept(0.6f));
    assertEquals(6, kept(0.6));
    assertEquals(7, kept((double) 0.6f));
    assertEquals(10, kept(1));
  }

  private static int kept(Object tau) throws OrtException {
    float[] scores = new float[10];
    Arrays.fill(scores, 1);
    try (var model = new Model(graph("NucleusSelect", Map.of("tau", tau)));
        var actual = model.run(Map.of("scores", Model.tensor(scores, 10)))) {
      int count = 0;
      for (byte b : actual.bytes("nucleus")) {
        count += b;
      }
      return count;
    }
  }

  @Test
  void anUnknownTypeIsRefused() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("slices", OnnxGraph.INT32, "D", "S")
            .output("kept", OnnxGraph.INT64)
            .node("SliceAnchor", List.of("slices"), List.of("kept"), Map.of("gamma", 0.1f));
    OrtException e = assertThrows(OrtException.class, () -> new Model(graph).close());
    assertOneLine(e, "SliceAnchor");
  }
}
