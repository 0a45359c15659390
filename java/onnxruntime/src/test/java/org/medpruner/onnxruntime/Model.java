package org.medpruner.onnxruntime;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Map;
import org.medpruner.DType;

/** A session on a graph; its options are closed at once, as they may be. Used by many threads. */
final class Model implements AutoCloseable {
  static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();

  private final OrtSession session;

  Model(OnnxGraph graph) throws OrtException {
    try (var options = new OrtSession.SessionOptions()) {
      // ONNX Runtime also prints what it throws.
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      MedPrunerOps.register(options);
      session = ENVIRONMENT.createSession(graph.toByteArray(), options);
    }
  }

  OrtSession session() {
    return session;
  }

  /** Runs and closes the inputs. */
  Values run(Map<String, OnnxTensor> inputs) throws OrtException {
    try {
      return new Values(session.run(inputs));
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }

  static OnnxTensor tensor(float[] values, long... shape) throws OrtException {
    return OnnxTensor.createTensor(ENVIRONMENT, FloatBuffer.wrap(values), shape);
  }

  static OnnxTensor tensor(long[] values, long... shape) throws OrtException {
    return OnnxTensor.createTensor(ENVIRONMENT, LongBuffer.wrap(values), shape);
  }

  static OnnxTensor tensor(byte[] values, OnnxJavaType type, long... shape) throws OrtException {
    return OnnxTensor.createTensor(ENVIRONMENT, ByteBuffer.wrap(values), shape, type);
  }

  /** I16, F16 or BF16. */
  static OnnxTensor tensor(short[] values, DType dtype, long... shape) throws OrtException {
    return OnnxTensor.createTensor(
        ENVIRONMENT, ShortBuffer.wrap(values), shape, OrtTensors.type(dtype));
  }

  /** Results by name, as flat arrays. */
  record Values(OrtSession.Result result) implements AutoCloseable {
    OnnxTensor tensor(String name) {
      return (OnnxTensor) result.get(name).orElseThrow();
    }

    long[] shape(String name) {
      return tensor(name).getInfo().getShape();
    }

    private ByteBuffer buffer(String name) {
      OnnxTensor tensor = tensor(name);
      return tensor.getInfo().getNumElements() == 0
          ? ByteBuffer.allocate(0)
          : tensor.getByteBuffer().order(ByteOrder.nativeOrder());
    }

    byte[] bytes(String name) {
      ByteBuffer b = buffer(name);
      byte[] values = new byte[b.remaining()];
      b.get(values);
      return values;
    }

    short[] shorts(String name) {
      ShortBuffer b = buffer(name).asShortBuffer();
      short[] values = new short[b.remaining()];
      b.get(values);
      return values;
    }

    int[] ints(String name) {
      var b = buffer(name).asIntBuffer();
      int[] values = new int[b.remaining()];
      b.get(values);
      return values;
    }

    long[] longs(String name) {
      LongBuffer b = buffer(name).asLongBuffer();
      long[] values = new long[b.remaining()];
      b.get(values);
      return values;
    }

    float[] floats(String name) {
      FloatBuffer b = buffer(name).asFloatBuffer();
      float[] values = new float[b.remaining()];
      b.get(values);
      return values;
    }

    double[] doubles(String name) {
      var b = buffer(name).asDoubleBuffer();
      double[] values = new double[b.remaining()];
      b.get(values);
      return values;
    }

    @Override
    public void close() {
      result.close();
    }
  }
}
