package org.medpruner.bench;

import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.NucleusSelect;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;
import org.medpruner.torch.BorrowedTensor;
import org.medpruner.torch.TorchTensors;

/** The nuclei of a batch of equal slices: SOFTMAX(2), tau 0.9. */
final class NucleusCase implements Setup.Case {
  private static final double TAU = 0.9;
  private static final double TEMPERATURE = 2;

  private final int segments;
  private final int tokens;

  NucleusCase(int segments, int tokens) {
    this.segments = segments;
    this.tokens = tokens;
  }

  @Override
  public List<Report.Row> rows(Setup setup, Ceilings ceilings) {
    int n = segments * tokens;
    try (Workspace workspace = Workspace.create(Device.CPU);
        NativeBuffer input = NativeBuffer.allocate(Device.CPU, DType.F32, n);
        NativeBuffer offsetBuffer = NativeBuffer.allocate(Device.CPU, DType.I64, segments + 1);
        NativeBuffer outputBuffer =
            NativeBuffer.allocate(Device.CPU, NucleusSelect.Outputs.bytes(n, segments));
        BorrowedTensor borrowed = TorchTensors.borrow(input.view(DType.F32, segments, tokens))) {
      input.copyFrom(Inputs.masses(segments, tokens));
      offsetBuffer.copyFrom(Inputs.offsets(segments, tokens));
      TensorView scores = input.view(DType.F32, n);
      TensorView offsets = offsetBuffer.view(DType.I64, segments + 1);
      NucleusSelect.Outputs outputs = NucleusSelect.Outputs.in(outputBuffer, n, segments);
      NucleusSelect.Params params = NucleusSelect.Params.softmax(TAU, TEMPERATURE);
      Tensor batch = borrowed.tensor();
      Runnable ours =
          () ->
              NucleusSelect.run(params, scores, offsets, null, outputs, workspace, Stream.DEFAULT);
      Runnable batched = () -> AuthorsForm.nuclei(batch, TAU, TEMPERATURE).close();
      Runnable authors = () -> eachImage(batch);
      ours.run();
      byte[] mask = new byte[n];
      try (BorrowedTensor m = TorchTensors.borrow(outputs.mask())) {
        System.arraycopy(TorchTensors.bytes(m.tensor()), 0, mask, 0, n);
      }
      String check = compare(mask, batch);
      Report.Ceiling copy = ceilings.copy(setup);
      Map<String, Timing> race =
          setup.race().with("ours", ours).with("batched", batched).with("authors", authors).run();
      Timing time = Setup.require(race, "ours");
      // f32 scores in; u8 mask and i64 list out, all of it: past the counts it is -1.
      long bytes = (4L + 1 + 8) * n;
      return List.of(
          new Report.Row(
              "nucleus_select",
              segments + "x" + tokens,
              "[" + n + "] in " + segments + " segments",
              "f32",
              "cpu",
              bytes,
              0,
              time,
              Ceilings.share(copy, bytes, time),
              null,
              List.of(
                  Setup.baseline(
                      race,
                      "ours",
                      "batched",
                      "LibTorch: softmax, sort, cumsum and first index over the batch, nothing read by the host"),
                  Setup.baseline(
                      race,
                      "ours",
                      "authors",
                      "LibTorch: the same image by image, the count read by the host")),
              List.of(),
              check));
    }
  }

  private static void eachImage(Tensor batch) {
    for (long i = 0; i < batch.size(0); i++) {
      try (PointerScope scope = new PointerScope()) {
        AuthorsForm.nucleus(batch.select(0, i), TAU, TEMPERATURE);
      }
    }
  }

  /**
   * LibTorch sums in f32, so a count may be off by one where a sum grazes tau; the order is not.
   */
  private String compare(byte[] ours, Tensor batch) {
    int equal = 0;
    try (PointerScope scope = new PointerScope()) {
      byte[] theirs = TorchTensors.bytes(AuthorsForm.nuclei(batch, TAU, TEMPERATURE));
      for (int s = 0; s < segments; s++) {
        byte[] one = TorchTensors.bytes(AuthorsForm.nucleus(batch.select(0, s), TAU, TEMPERATURE));
        int differences = 0;
        for (int i = 0; i < tokens; i++) {
          differences += ours[s * tokens + i] == theirs[s * tokens + i] ? 0 : 1;
        }
        Setup.check(
            differences <= 1,
            "segment " + s + ": nucleus_select and LibTorch differ in " + differences + " tokens");
        equal += differences == 0 ? 1 : 0;
        int own = 0;
        for (int i = 0; i < tokens; i++) {
          own += one[i] == theirs[s * tokens + i] ? 0 : 1;
        }
        Setup.check(own <= 1, "segment " + s + ": LibTorch batched and image by image differ");
      }
    }
    Setup.check(equal >= segments * 0.95, "only " + equal + " of " + segments + " nuclei equal");
    return equal
        + " of "
        + segments
        + " nuclei equal LibTorch's, the others differ by the one token where its f32 sum grazes tau";
  }
}
