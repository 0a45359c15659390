package org.medpruner.bench;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.AttentionMass;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;
import org.medpruner.torch.BorrowedTensor;
import org.medpruner.torch.TorchTensors;

/** The attention column mass of one slice in f32. */
final class MassCase implements Setup.Case {
  private static final int GROUP = 16;
  private static final float TOLERANCE = 1e-4f;

  private final int patches;
  private final int heads;
  private final int headDim;

  MassCase(int patches, int heads, int headDim) {
    this.patches = patches;
    this.heads = heads;
    this.headDim = headDim;
  }

  @Override
  public List<Report.Row> rows(Setup setup, Ceilings ceilings) {
    int values = patches * heads * headDim;
    int tokens = patches / GROUP;
    Report.Ceiling fma = ceilings.fma(setup);
    try (Workspace workspace = Workspace.create(Device.CPU);
        NativeBuffer input = NativeBuffer.allocate(Device.CPU, 2L * values * Float.BYTES);
        NativeBuffer offsetBuffer = NativeBuffer.allocate(Device.CPU, DType.I64, 2);
        NativeBuffer outputBuffer =
            NativeBuffer.allocate(Device.CPU, AttentionMass.Outputs.bytes(tokens, headDim, 1));
        PointerScope scope = new PointerScope()) {
      input.copyFrom(Inputs.normal(2 * values, 21));
      offsetBuffer.copyFrom(new long[] {0, patches});
      TensorView q = input.view(DType.F32, patches, heads, headDim);
      TensorView k = input.viewAt((long) values * Float.BYTES, DType.F32, patches, heads, headDim);
      TensorView offsets = offsetBuffer.view(DType.I64, 2);
      AttentionMass.Params params = AttentionMass.Params.of(new AttentionMass.Contiguous(GROUP));
      AttentionMass.Outputs outputs = AttentionMass.Outputs.in(outputBuffer, tokens, headDim, 1);
      TensorView pooledKeys = Objects.requireNonNull(outputs.pooledKeys());
      Runnable ours =
          () -> AttentionMass.run(params, q, k, null, offsets, outputs, workspace, Stream.DEFAULT);

      // As the encoder's projections leave them, seen per head.
      BorrowedTensor torchQuery = TorchTensors.borrow(q);
      BorrowedTensor torchKey = TorchTensors.borrow(k);
      Tensor query = torchQuery.tensor().transpose(0, 1);
      Tensor key = torchKey.tensor().transpose(0, 1);
      Tensor compactQuery = query.contiguous();
      Tensor compactKey = key.contiguous();
      Tensor logits = torch.empty(patches, patches);
      Tensor attention = torch.empty(patches, patches);
      Runnable authors =
          () -> {
            try (PointerScope step = new PointerScope()) {
              AuthorsForm.columnMass(query, key, GROUP);
            }
          };
      Runnable tuned =
          () -> {
            try (PointerScope step = new PointerScope()) {
              TunedForm.columnMass(compactQuery, compactKey, GROUP, logits, attention);
            }
          };

      ours.run();
      float[] mass;
      float[] keys;
      try (BorrowedTensor m = TorchTensors.borrow(outputs.mass());
          BorrowedTensor p = TorchTensors.borrow(pooledKeys)) {
        mass = TorchTensors.floats(m.tensor());
        keys = TorchTensors.floats(p.tensor());
      }
      double worst = 0;
      try (PointerScope step = new PointerScope()) {
        for (AuthorsForm.Scores theirs :
            List.of(
                AuthorsForm.columnMass(query, key, GROUP),
                TunedForm.columnMass(compactQuery, compactKey, GROUP, logits, attention))) {
          worst = Math.max(worst, difference(mass, TorchTensors.floats(theirs.mass())));
          worst = Math.max(worst, difference(keys, TorchTensors.floats(theirs.keys())));
        }
      }
      Setup.check(
          worst <= TOLERANCE, "attention_mass and LibTorch differ by " + worst + " relative");

      Long ownPeak = ResidentMemory.growth(ours);
      Long authorsPeak = ResidentMemory.growth(authors);
      Long tunedPeak = ResidentMemory.growth(tuned);
      Map<String, Timing> race =
          setup.race().with("ours", ours).with("authors", authors).with("tuned", tuned).run();
      Timing time = Setup.require(race, "ours");
      // Q K^T once: two passes over it are one way to the masses, not what they need.
      long flops = 2L * heads * patches * patches * headDim;
      return List.of(
          new Report.Row(
              "attention_mass",
              "f32 1x" + patches + "x" + heads + "x" + headDim,
              "[" + patches + ", " + heads + ", " + headDim + "]",
              "f32",
              "cpu",
              2L * values * Float.BYTES,
              flops,
              time,
              Ceilings.share(fma, flops, time),
              new Report.Memory(AttentionMass.workspaceBytes(params, q, k, offsets), ownPeak),
              List.of(
                  withPeak(
                      Setup.baseline(
                          race,
                          "ours",
                          "authors",
                          "LibTorch: softmax(Q K^T / sqrt d) of all heads materialised, mean, sum, group mean"),
                      authorsPeak),
                  withPeak(
                      Setup.baseline(
                          race,
                          "ours",
                          "tuned",
                          "LibTorch: head by head in one kept T x T matrix and its softmax"),
                      tunedPeak)),
              List.of(),
              String.format(
                  "masses and pooled keys within %.1e relative of both LibTorch forms (allowed: %.0e)",
                  worst, TOLERANCE)));
    }
  }

  private static Report.Baseline withPeak(
      Report.Baseline b, @org.jspecify.annotations.Nullable Long peak) {
    return new Report.Baseline(b.name(), b.how(), b.seconds(), b.ratio(), peak);
  }

  /** Greatest difference relative to the greater of 1 and the value. */
  static double difference(float[] a, float[] b) {
    Setup.check(a.length == b.length, a.length + " values against " + b.length);
    double worst = 0;
    for (int i = 0; i < a.length; i++) {
      double d = Math.abs((double) a[i] - b[i]) / Math.max(1, Math.abs(b[i]));
      worst = Double.isNaN(d) ? Double.POSITIVE_INFINITY : Math.max(worst, d);
    }
    return worst;
  }
}
