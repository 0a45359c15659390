package org.medpruner.bench;

import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;

/** A volume with its outputs. */
final class Volume implements AutoCloseable {
  /** The measuring guard's threshold: no patch of values in [-1, 1] differs by as much. */
  private static final double NO_PATCH = Double.POSITIVE_INFINITY;

  final NativeBuffer buffer;
  final TensorView slices;
  private final double scale;
  private final NativeBuffer offsetBuffer = NativeBuffer.allocate(Device.CPU, DType.I64, 2);
  private final TensorView offsets;
  private final NativeBuffer outputBuffer;
  private final SliceAnchor.Outputs outputs;

  /** In the same buffer: only the outputs of the latest run are read. */
  private final SliceAnchor.Outputs decisions;

  private final SliceAnchor.Outputs guarded;

  private final Workspace workspace = Workspace.create(Device.CPU);

  private Volume(NativeBuffer buffer, DType dtype, double scale, int depth, int values) {
    this.buffer = buffer;
    this.slices = buffer.view(dtype, depth, values);
    this.scale = scale;
    offsetBuffer.copyFrom(new long[] {0, depth});
    offsets = offsetBuffer.view(DType.I64, 2);
    outputBuffer = NativeBuffer.allocate(Device.CPU, SliceAnchor.Outputs.bytes(depth, 1));
    outputs = SliceAnchor.Outputs.in(outputBuffer, depth, 1);
    decisions = SliceAnchor.Outputs.decisionsIn(outputBuffer, depth, 1);
    guarded = SliceAnchor.Outputs.patchesIn(outputBuffer, depth, 1);
  }

  static Volume of(byte[] pixels, int depth, int values) {
    NativeBuffer buffer = NativeBuffer.allocate(Device.CPU, DType.U8, pixels.length);
    buffer.copyFrom(pixels);
    return new Volume(buffer, DType.U8, SliceAnchor.U8_SCALE, depth, values);
  }

  /** The same pictures as the model sees them, in [-1, 1]. */
  static Volume normalised(byte[] pixels, int depth, int values) {
    float[] shown = new float[256];
    for (int i = 0; i < 256; i++) {
      shown[i] = (float) (i / 127.5 - 1);
    }
    NativeBuffer buffer = NativeBuffer.allocate(Device.CPU, DType.F32, pixels.length);
    float[] normalised = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      normalised[i] = shown[pixels[i] & 0xff];
    }
    buffer.copyFrom(normalised);
    return new Volume(buffer, DType.F32, 1, depth, values);
  }

  void run(double gamma) {
    run(SliceAnchor.Params.of(gamma).withScale(scale), outputs);
  }

  /** Only the decisions. */
  void decide(double gamma) {
    run(SliceAnchor.Params.of(gamma).withScale(scale).withDecideOnly(), decisions);
  }

  /** With the guard for small findings measuring, but too wide to keep a slice. */
  void guard(double gamma, SlicePatches patches) {
    run(SliceAnchor.Params.of(gamma).withScale(scale).withPatches(NO_PATCH, patches), guarded);
  }

  private void run(SliceAnchor.Params params, SliceAnchor.Outputs out) {
    SliceAnchor.run(params, slices, offsets, out, workspace, Stream.DEFAULT);
  }

  boolean[] kept(double gamma) {
    run(gamma);
    return read(outputs);
  }

  boolean[] decided(double gamma) {
    decide(gamma);
    return read(decisions);
  }

  boolean[] guardedKept(double gamma, SlicePatches patches) {
    guard(gamma, patches);
    return read(guarded);
  }

  private boolean[] read(SliceAnchor.Outputs from) {
    int depth = Math.toIntExact(slices.size(0));
    byte[] all = new byte[Math.toIntExact(outputBuffer.byteSize())];
    outputBuffer.copyTo(all);
    int begin = Math.toIntExact(outputBuffer.offsetOf(from.keep()));
    boolean[] keep = new boolean[depth];
    for (int i = 0; i < depth; i++) {
      keep[i] = all[begin + i] != 0;
    }
    return keep;
  }

  long address() {
    return slices.address();
  }

  long bytes() {
    return slices.elements() * slices.dtype().byteSize();
  }

  @Override
  public void close() {
    buffer.close();
    offsetBuffer.close();
    outputBuffer.close();
    workspace.close();
  }
}
