package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.Device;
import org.medpruner.PruningPolicy;
import org.medpruner.Workspace;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.Scopes;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.vlm.golden.Values;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.volume.SliceImages;

/** Which tensors a volume leaves behind, and when: none that nobody closes. */
class TensorsOfAVolumeTest {
  private static final int SIDE = 8;

  @TempDir Path folder;

  private Pipeline load() throws IOException {
    return (Pipeline) TokenModel.load(TinyQwen.write(folder), LoadOptions.DEFAULT, Progress.NONE);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "0, 1", "1, 0", "1, 1", "2, 0", "2, 2"})
  void picturesAreFreedWhenTheyAreClosed(int scopes, int atClose) {
    PreprocessorConfig values =
        new PreprocessorConfig(SIDE, SIDE, 0, 1, new double[] {0, 0, 0}, new double[] {1, 1, 1});
    Preparation how =
        new Preparation(values, new SliceGrid(3, 2, 2, 2, 2), UnaryOperator.identity());
    List<SliceImages> volumes = List.of(TinyQwen.pictures(2, SIDE, SIDE));
    BytePixels pixels =
        Scopes.in(scopes, () -> BytePixels.of(volumes, how, Ops.F32, false, Progress.NONE));
    Tensor memory = pixels.pixels();
    assertFalse(memory.isNull(), "freed with the scope it was made in");
    assertEquals(1, memory.referenceCount());
    try (PointerScope scope = new PointerScope()) {
      assertEquals(2L * SIDE * SIDE * 3, pixels.pictures(new int[] {0, 1}).numel());
    }
    Scopes.in(
        atClose,
        () -> {
          pixels.close();
          return true;
        });
    assertTrue(memory.isNull(), "the pictures are still held");
  }

  /** A family that has no memory left for what comes after the pictures. */
  @Test
  void picturesWithoutAnEncoderAreFreed() throws IOException {
    List<SliceImages> volumes = List.of(TinyQwen.pictures(2, 112, 112));
    List<Tensor> made = new ArrayList<>();
    OutOfMemoryError thrown = new OutOfMemoryError("no memory");
    try (Pipeline model = load()) {
      ModelFamily family = withoutVision(model.family(), made, thrown);
      assertSame(
          thrown,
          assertThrows(
              OutOfMemoryError.class,
              () ->
                  PreparedVolumes.of(family, volumes, PruningPolicy.PAPER, Progress.NONE).close()));
      assertEquals(1, made.size());
      assertTrue(made.getFirst().isNull(), "the pictures are still held");
    }
  }

  /** The same family, but for its encoder; keeps the memory of the pictures that it makes. */
  private static ModelFamily withoutVision(
      ModelFamily family, List<Tensor> made, OutOfMemoryError thrown) {
    return (ModelFamily)
        Proxy.newProxyInstance(
            ModelFamily.class.getClassLoader(),
            new Class<?>[] {ModelFamily.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("vision")) {
                throw thrown;
              }
              Object result = method.invoke(family, arguments);
              if (result instanceof BytePixels pixels) {
                made.add(pixels.pixels());
              }
              return result;
            });
  }

  /** The features and two planes of each; nothing else tells of them once the call has ended. */
  @Test
  void whatACancelledCallPackedIsFreed() throws IOException {
    SliceImages images = TinyQwen.pictures(4, 112, 112);
    Progress cancel =
        (stage, done, total) -> {
          if (stage.equals("prune") && done == 1) {
            throw new CancellationException(stage);
          }
        };
    try (Pipeline model = load()) {
      int rounds = 40;
      long before = 0;
      // What LibTorch and this library make once is made in the first round.
      for (int round = 0; round <= rounds; round++) {
        for (PruningPolicy policy : List.of(PruningPolicy.PAPER, PruningPolicy.OFF)) {
          assertThrows(
              CancellationException.class, () -> model.encode(images, policy, cancel).close());
        }
        before = round == 0 ? Pointer.totalCount() : before;
      }
      long left = Pointer.totalCount() - before;
      assertTrue(left < rounds, left + " objects of LibTorch's are left of " + rounds + " calls");
      model.encode(images, PruningPolicy.PAPER, Progress.NONE).close();
    }
  }

  /** One row counts as contiguous wherever it lies. */
  @ParameterizedTest
  @CsvSource({"1, true", "1, false", "3, true", "3, false"})
  void packedTokensHaveMemoryOfTheirOwn(int rows, boolean merged) throws IOException {
    try (Pipeline model = load();
        PointerScope scope = new PointerScope();
        Workspace workspace = Workspace.create(Device.CPU)) {
      long width = EncodedRows.width(model.family().decoder(), 2, merged);
      Tensor memory = torch.ones(new long[] {rows, width});
      EncodedRows encoded = new EncodedRows(model.family().decoder(), 2, merged, memory);
      long hidden = model.family().decoder().config().hiddenSize();
      Tensor one = torch.ones(new long[] {1, rows, hidden});
      encoded.put(
          0, new VisionEncoder.Tokens(one, List.of(one, one), one.unsqueeze(2), one.unsqueeze(2)));
      int[] kept = new int[rows];
      Arrays.setAll(kept, i -> i);
      PackedTokens packed = encoded.packed(memory, kept, true, workspace);
      // The next volume's stage 2 writes there.
      memory.fill_(new Scalar(7.0));
      float[] ones = new float[Math.toIntExact(rows * hidden)];
      Arrays.fill(ones, 1);
      assertArrayEquals(ones, Values.of(packed.features()));
      assertEquals(2, packed.planes().size());
      for (Tensor plane : packed.planes()) {
        assertArrayEquals(ones, Values.of(plane));
      }
    }
  }
}
