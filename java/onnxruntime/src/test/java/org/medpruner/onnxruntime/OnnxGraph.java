package org.medpruner.onnxruntime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes an ONNX model with nodes of our domain and of ONNX's own, as onnx.proto numbers fields.
 */
final class OnnxGraph {
  static final int FLOAT = 1;
  static final int UINT8 = 2;
  static final int INT16 = 5;
  static final int INT32 = 6;
  static final int INT64 = 7;
  static final int BOOL = 9;
  static final int FLOAT16 = 10;
  static final int DOUBLE = 11;
  static final int BFLOAT16 = 16;

  private static final int IR_VERSION = 9;
  private static final int ONNX_OPSET = 19;

  private final Proto graph = new Proto().text(2, "test");
  private final Map<String, Integer> nodes = new HashMap<>();

  /** An input; extents are numbers, or names for what varies. */
  OnnxGraph input(String name, int type, Object... shape) {
    graph.message(11, value(name, type, shape));
    return this;
  }

  /** An output of the model, of whatever shape inference says. */
  OnnxGraph output(String name, int type) {
    graph.message(
        12,
        new Proto().text(1, name).message(2, new Proto().message(1, new Proto().integer(1, type))));
    return this;
  }

  /** A node of the domain org.medpruner; "" leaves an input or output out. */
  OnnxGraph node(
      String op, List<String> inputs, List<String> outputs, Map<String, Object> attributes) {
    return node(MedPrunerOps.DOMAIN, op, inputs, outputs, attributes);
  }

  /** A node of ONNX's own domain. */
  OnnxGraph onnxNode(
      String op, List<String> inputs, List<String> outputs, Map<String, Object> attributes) {
    return node("", op, inputs, outputs, attributes);
  }

  private OnnxGraph node(
      String domain,
      String op,
      List<String> inputs,
      List<String> outputs,
      Map<String, Object> attributes) {
    Proto node = new Proto();
    inputs.forEach(name -> node.text(1, name));
    outputs.forEach(name -> node.text(2, name));
    int count = nodes.merge(op, 1, Integer::sum); // no two nodes may have one name
    node.text(3, op + " of the test" + (count == 1 ? "" : " " + count)).text(4, op);
    // Sorted, so that a model always has the same bytes.
    new TreeMap<>(attributes).forEach((name, value) -> node.message(5, attribute(name, value)));
    graph.message(1, node.text(7, domain));
    return this;
  }

  /** The model as a file holds it. */
  byte[] toByteArray() {
    return new Proto()
        .integer(1, IR_VERSION)
        .message(7, graph)
        .message(8, new Proto().text(1, "").integer(2, ONNX_OPSET))
        .message(8, new Proto().text(1, MedPrunerOps.DOMAIN).integer(2, MedPrunerOps.VERSION))
        .toByteArray();
  }

  private static Proto value(String name, int type, Object... shape) {
    Proto extents = new Proto();
    for (Object extent : shape) {
      extents.message(
          1,
          extent instanceof String symbol
              ? new Proto().text(2, symbol)
              : new Proto().integer(1, ((Number) extent).longValue()));
    }
    return new Proto()
        .text(1, name)
        .message(2, new Proto().message(1, new Proto().integer(1, type).message(2, extents)));
  }

  private static Proto attribute(String name, Object value) {
    Proto a = new Proto().text(1, name);
    return switch (value) {
      case Float f -> a.real(2, f).integer(20, 1);
      case Long i -> a.integer(3, i).integer(20, 2);
      case Integer i -> a.integer(3, i).integer(20, 2);
      case String s -> a.text(4, s).integer(20, 3);
      // A double has no attribute type of its own.
      case Double d -> a.message(5, scalar(d)).integer(20, 4);
      case String[] texts -> {
        for (String text : texts) {
          a.text(9, text);
        }
        yield a.integer(20, 8);
      }
      case long[] ints -> {
        for (long i : ints) {
          a.integer(8, i);
        }
        yield a.integer(20, 7);
      }
      default -> throw new IllegalArgumentException(name + ": " + value.getClass());
    };
  }

  private static Proto scalar(double value) {
    byte[] raw = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(value).array();
    return new Proto().integer(1, 1).integer(2, DOUBLE).bytes(9, raw);
  }
}
