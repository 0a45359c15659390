package org.medpruner.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.SliceAnchor;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;
import org.medpruner.torch.BorrowedTensor;
import org.medpruner.torch.TorchTensors;

/** Stage 1 over one volume, in f32 and in the bytes it was made from. */
final class SliceAnchorCase implements Setup.Case {
  private static final double GAMMA = 0.05;

  private final int depth;
  private final int values;
  private final String size;

  /** Square RGB pictures. */
  SliceAnchorCase(int depth, int side) {
    this.depth = depth;
    this.values = 3 * side * side;
    this.size = depth + "x3x" + side + "x" + side;
  }

  @Override
  public List<Report.Row> rows(Setup setup, Ceilings ceilings) {
    List<Report.Row> rows = new ArrayList<>();
    byte[] pixels = Inputs.slices(depth, values, 8);
    try (Volume bytes = Volume.of(pixels, depth, values);
        Volume floats = Volume.normalised(pixels, depth, values);
        BorrowedTensor images = TorchTensors.borrow(floats.slices);
        Tensor scratch = torch.empty(values)) {
      boolean[] kept = floats.kept(GAMMA);
      Setup.check(
          Arrays.equals(kept, AuthorsForm.keptSlices(images.tensor(), GAMMA)),
          "slice_anchor f32 and the authors' form keep different slices");
      Setup.check(
          Arrays.equals(kept, TunedForm.keptSlices(images.tensor(), scratch, GAMMA)),
          "slice_anchor f32 and the tuned LibTorch form keep different slices");
      Setup.check(
          Arrays.equals(kept, bytes.kept(GAMMA)), "slice_anchor u8 and f32 keep different slices");
      Map<String, Timing> race =
          setup
              .race()
              .with("f32", () -> floats.run(GAMMA))
              .with("read", () -> setup.probe().read(floats.address(), floats.bytes()))
              .with("u8", () -> bytes.run(GAMMA))
              .with("read u8", () -> setup.probe().read(bytes.address(), bytes.bytes()))
              .with("authors", () -> AuthorsForm.keptSlices(images.tensor(), GAMMA))
              .with("tuned", () -> TunedForm.keptSlices(images.tensor(), scratch, GAMMA))
              .run();
      String same = "same " + count(kept) + " of " + depth + " slices kept as by ";
      Timing f32 = Setup.require(race, "f32");
      rows.add(
          new Report.Row(
              "slice_anchor",
              "f32 " + size,
              "[" + depth + ", " + values + "]",
              "f32",
              "cpu",
              floats.bytes(),
              2L * (depth - 1) * values,
              f32,
              Ceilings.share(
                  ceilings.read("read", floats.bytes(), Setup.require(race, "read")),
                  floats.bytes(),
                  f32),
              null,
              List.of(
                  Setup.baseline(
                      race, "f32", "authors", "LibTorch: (a - b).abs().mean() > gamma per slice, read by the host"),
                  Setup.baseline(
                      race, "f32", "tuned", "LibTorch: difference, abs and sum in one kept scratch slice")),
              List.of(),
              same + "the authors' form and the tuned LibTorch form"));
      Timing u8 = Setup.require(race, "u8");
      rows.add(
          new Report.Row(
              "slice_anchor",
              "u8 " + size,
              "[" + depth + ", " + values + "]",
              "u8",
              "cpu",
              bytes.bytes(),
              2L * (depth - 1) * values,
              u8,
              Ceilings.share(
                  ceilings.read("read u8", bytes.bytes(), Setup.require(race, "read u8")),
                  bytes.bytes(),
                  u8),
              null,
              List.of(
                  Setup.baseline(race, "u8", "f32", "MedPruner's own f32 form, same slices"),
                  Setup.baseline(
                      race, "u8", "authors", "LibTorch: the loop over the f32 slices")),
              List.of(),
              same + "the f32 form and the authors' form"));
    }
    return rows;
  }

  private static int count(boolean[] kept) {
    int n = 0;
    for (boolean k : kept) {
      n += k ? 1 : 0;
    }
    return n;
  }

  /** A volume with its outputs. */
  private static final class Volume implements AutoCloseable {
    final NativeBuffer buffer;
    final TensorView slices;
    private final double scale;
    private final NativeBuffer offsetBuffer = NativeBuffer.allocate(Device.CPU, DType.I64, 2);
    private final TensorView offsets;
    private final NativeBuffer outputBuffer;
    private final SliceAnchor.Outputs outputs;
    private final Workspace workspace = Workspace.create(Device.CPU);

    private Volume(NativeBuffer buffer, DType dtype, double scale, int depth, int values) {
      this.buffer = buffer;
      this.slices = buffer.view(dtype, depth, values);
      this.scale = scale;
      offsetBuffer.copyFrom(new long[] {0, depth});
      offsets = offsetBuffer.view(DType.I64, 2);
      outputBuffer = NativeBuffer.allocate(Device.CPU, SliceAnchor.Outputs.bytes(depth, 1));
      outputs = SliceAnchor.Outputs.in(outputBuffer, depth, 1);
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
      SliceAnchor.run(
          SliceAnchor.Params.of(gamma).withScale(scale),
          slices,
          offsets,
          outputs,
          workspace,
          Stream.DEFAULT);
    }

    boolean[] kept(double gamma) {
      run(gamma);
      int depth = Math.toIntExact(slices.size(0));
      byte[] all = new byte[Math.toIntExact(outputBuffer.byteSize())];
      outputBuffer.copyTo(all);
      int begin = Math.toIntExact(outputBuffer.offsetOf(outputs.keep()));
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
}
