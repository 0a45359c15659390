package org.medpruner.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Arrays of DJL's PyTorch engine. */
final class PyTorch {
  private PyTorch() {}

  /** Fails where the engine does not load: this build brings it, its LibTorch and its JNI. */
  static NDManager manager() {
    return NDManager.newBaseManager(ai.djl.Device.cpu(), "PyTorch");
  }

  static float[] normal(Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** A copy of an array's bytes in row-major order. */
  static byte[] bytes(NDArray array) {
    byte[] bytes = new byte[Math.toIntExact(array.size() * array.getDataType().getNumOfBytes())];
    if (bytes.length > 0) {
      array.toByteBuffer(false).get(bytes);
    }
    return bytes;
  }

  static short[] shorts(byte[] bytes) {
    short[] values = new short[bytes.length / 2];
    ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asShortBuffer().get(values);
    return values;
  }

  static float[] floats(byte[] bytes) {
    float[] values = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asFloatBuffer().get(values);
    return values;
  }

  /** Values as an array of a type, rounded as the engine does. */
  static NDArray array(NDManager manager, float[] values, DataType type, long... shape) {
    return manager.create(values, new Shape(shape)).toType(type, true);
  }

  /** An array that answers one method otherwise, as one of another engine would. */
  static NDArray as(NDArray array, String method, Object answer) {
    return (NDArray)
        Proxy.newProxyInstance(
            NDArray.class.getClassLoader(),
            new Class<?>[] {NDArray.class},
            (proxy, called, arguments) -> {
              if (called.getName().equals(method)) {
                return answer;
              }
              if (called.getName().equals("attach")) {
                return null;
              }
              if (called.getName().equals("reshape")) {
                return proxy;
              }
              try {
                return called.invoke(array, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  /** An array of 16-bit values of a type that this engine does not have. */
  static NDArray shorts(NDManager manager, short[] bits, DataType type, long... shape) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(2 * bits.length).order(ByteOrder.nativeOrder());
    buffer.asShortBuffer().put(bits);
    return as(manager.create(buffer, new Shape(shape), DataType.FLOAT16), "getDataType", type);
  }
}
