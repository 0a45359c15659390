package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Recording and replaying on the first GPU. */
@EnabledIfCuda
final class GraphCudaTest {
  private static final int TOKENS = 400;

  private static float[] scores(Random random) {
    float[] scores = new float[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
      scores[i] = (float) Math.exp(random.nextGaussian());
    }
    return scores;
  }

  @Test
  void aGraphReplaysOnNewInputsAndKeepsItsBuffers() {
    Random random = new Random(131);
    Device gpu = Device.cuda(0);
    NucleusSelect.Params params = NucleusSelect.Params.mass(0.8);
    NativeBuffer input = NativeBuffer.allocate(gpu, DType.F32, TOKENS);
    try (Stream stream = Stream.create(gpu);
        NativeBuffer offsets = NativeBuffer.allocate(gpu, DType.I64, 2);
        NativeBuffer results = NativeBuffer.allocate(gpu, NucleusSelect.Outputs.bytes(TOKENS, 1));
        Workspace workspace = Workspace.create(gpu)) {
      offsets.copyFrom(new long[] {0, TOKENS});
      NucleusSelect.Outputs out = NucleusSelect.Outputs.in(results, TOKENS, 1);
      TensorView scores = input.view(DType.F32, TOKENS);
      TensorView bounds = offsets.view(DType.I64, 2);
      workspace.reserve(NucleusSelect.workspaceBytes(params, scores, bounds, null));
      try (Graph graph =
          stream.capture(
              () -> NucleusSelect.run(params, scores, bounds, null, out, workspace, stream))) {
        for (int round = 0; round < 4; round++) {
          float[] values = scores(random);
          input.copyFrom(MemorySegment.ofArray(values), 0);
          graph.launch(stream);
          stream.synchronize();
          assertArrayEquals(
              NucleusSelect.apply(values, params).selected(), HostArrays.booleans(out.mask()));
        }
        input.close();
        graph.launch(stream);
        stream.synchronize();
      }
    }
  }

  @Test
  void aBrokenOrAbandonedCaptureLeavesTheStreamUsable() {
    try (Stream stream = Stream.create(Device.cuda(0))) {
      assertThrows(
          IllegalStateException.class,
          () ->
              stream.capture(
                  () -> {
                    throw new IllegalStateException("from the ops");
                  }));
      assertThrows(MedPrunerCudaException.class, () -> stream.capture(stream::synchronize));
      stream.synchronize();
      assertThrows(
          IllegalStateException.class, () -> stream.capture(() -> stream.capture(() -> {})));
      try (Graph empty = stream.capture(() -> {})) {
        empty.launch(stream);
      }
    }
  }
}
