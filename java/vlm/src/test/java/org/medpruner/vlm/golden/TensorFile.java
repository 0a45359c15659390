package org.medpruner.vlm.golden;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.DType;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.checkpoint.SafetensorsFile;

/** Tensors of a safetensors file of expected values, by name. */
public final class TensorFile implements AutoCloseable {
  private final SafetensorsFile file;

  public TensorFile(Path path) {
    file = SafetensorsFile.open(path);
  }

  public Set<String> names() {
    return file.entries().keySet();
  }

  public boolean has(String name) {
    return file.entries().containsKey(name);
  }

  public long[] shape(String name) {
    return file.entry(name).shape().clone();
  }

  public byte[] bytes(String name) {
    return file.bytes(file.entry(name)).toArray(ValueLayout.JAVA_BYTE);
  }

  /** Any numeric type as doubles. */
  public double[] doubles(String name) {
    SafetensorsFile.Entry e = file.entry(name);
    MemorySegment s = file.bytes(e);
    double[] out = new double[Math.toIntExact(e.elements())];
    for (int i = 0; i < out.length; i++) {
      out[i] =
          switch (e.type()) {
            case F32 -> s.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
            case F64 -> s.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * i);
            case I32 -> s.get(ValueLayout.JAVA_INT_UNALIGNED, 4L * i);
            case I64 -> s.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * i);
            case U8, BOOL -> s.get(ValueLayout.JAVA_BYTE, i) & 0xff;
            default -> throw new IllegalArgumentException(name + " is " + e.type());
          };
    }
    return out;
  }

  public int[] ints(String name) {
    double[] d = doubles(name);
    int[] out = new int[d.length];
    for (int i = 0; i < d.length; i++) {
      out[i] = Math.toIntExact((long) d[i]);
    }
    return out;
  }

  public boolean[] bools(String name) {
    int[] v = ints(name);
    boolean[] out = new boolean[v.length];
    for (int i = 0; i < v.length; i++) {
      out[i] = v[i] != 0;
    }
    return out;
  }

  /** An F32 tensor on the mapped file; valid while this is open. */
  public Tensor floats(String name) {
    SafetensorsFile.Entry e = file.entry(name);
    return TorchTensors.borrow(file.bytes(e), DType.F32, e.shape()).tensor();
  }

  @Override
  public void close() {
    file.close();
  }
}
