package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.medpruner.Device;
import org.medpruner.Workspace;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.pruning.SliceStage;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/**
 * Patches where the picture leaves a rest of as many pixels as there are patches, 8 = 2 * 3 + 2.
 */
class PatchGuardTest {
  private static final int SIDE = 8;
  private static final SliceGrid GRID = new SliceGrid(3, 2, 2, 2, 2);
  private static final double[] ONE = {1, 1, 1};

  /** The second slice has another patch at the top left, the third another rest. */
  private static int value(int slice, int row, int column) {
    return (slice == 1 && row < 3 && column < 3) || (slice == 2 && (row > 5 || column > 5)) ? 1 : 0;
  }

  /** The second patch differs by 1 wholly; a side of 4 would make it 9/16. */
  private static void check(PixelSource pixels, Workspace workspace) {
    SliceStage.Result r = pixels.anchor(2, 0, 0.9, new long[] {0, 2}, workspace).getFirst();
    assertArrayEquals(new boolean[] {true, true}, r.kept());
  }

  private static void checkRest(PixelSource pixels, Workspace workspace) {
    SliceStage.Result r = pixels.anchor(2, 0, 0.1, new long[] {0, 2}, workspace).getFirst();
    assertArrayEquals(new boolean[] {true, false}, r.kept(), "the rest is not seen");
  }

  private static Tensor floats(int... slices) {
    float[] values = new float[slices.length * 3 * SIDE * SIDE];
    int at = 0;
    for (int slice : slices) {
      for (int i = 0; i < 3 * SIDE * SIDE; i++) {
        values[at++] = value(slice, i / SIDE % SIDE, i % SIDE);
      }
    }
    return torch.tensor(values).view(slices.length, 3, SIDE, SIDE);
  }

  private static SliceImages images(int... slices) {
    List<byte[]> pixels = new ArrayList<>();
    List<SliceInfo> info = new ArrayList<>();
    for (int slice : slices) {
      byte[] picture = new byte[3 * SIDE * SIDE];
      for (int i = 0; i < picture.length; i++) {
        picture[i] = (byte) value(slice, i / 3 / SIDE, i / 3 % SIDE);
      }
      info.add(new SliceInfo(info.size(), slice, Double.NaN));
      pixels.add(picture);
    }
    return new SliceImages(SIDE, SIDE, pixels, info, Double.NaN, "test");
  }

  private static BytePixels bytes(double[] std, int... slices) {
    // A difference of one grey level is a difference of one.
    PreprocessorConfig values =
        new PreprocessorConfig(SIDE, SIDE, 0, 1, new double[] {0, 0, 0}, std);
    Preparation how = new Preparation(values, GRID, UnaryOperator.identity());
    return BytePixels.of(List.of(images(slices)), how, Ops.F32, false, Progress.NONE);
  }

  @Test
  void patchesAreTheEncoders() {
    try (PointerScope scope = new PointerScope();
        Workspace workspace = Workspace.create(Device.CPU)) {
      UnaryOperator<Tensor> same = UnaryOperator.identity();
      check(new FloatPixels(floats(0, 1), GRID, same, Ops.F32), workspace);
      checkRest(new FloatPixels(floats(0, 2), GRID, same, Ops.F32), workspace);
      for (double[] std : new double[][] {ONE, {1, 1, 0.99}}) {
        try (BytePixels pixels = bytes(std, 0, 1);
            BytePixels rest = bytes(std, 0, 2)) {
          check(pixels, workspace);
          checkRest(rest, workspace);
        }
      }
    }
  }
}
