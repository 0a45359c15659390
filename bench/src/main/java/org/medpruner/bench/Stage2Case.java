package org.medpruner.bench;

import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.Prune;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;
import org.medpruner.torch.BorrowedTensor;
import org.medpruner.torch.TorchTensors;

/** All of stage 2 for a few slices in f32: from queries, keys and features to the packed rows. */
final class Stage2Case implements Setup.Case {
  private static final int GROUP = 16;
  private static final float TOLERANCE = 1e-4f;
  private static final String AUTHORS =
      "LibTorch: the authors' steps slice by slice, attention of all heads materialised";

  private final int slices;
  private final int patches;
  private final int heads;
  private final int headDim;
  private final int hidden;

  Stage2Case(int slices, int patches, int heads, int headDim, int hidden) {
    this.slices = slices;
    this.patches = patches;
    this.heads = heads;
    this.headDim = headDim;
    this.hidden = hidden;
  }

  @Override
  public List<Report.Row> rows(Setup setup, Ceilings ceilings) {
    int tokens = patches / GROUP;
    int n = slices * tokens;
    int rows = slices * patches;
    int values = rows * heads * headDim;
    try (Workspace workspace = Workspace.create(Device.CPU);
        NativeBuffer queryBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, values);
        NativeBuffer keyBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, values);
        NativeBuffer featureBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, n, hidden);
        NativeBuffer massBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, n);
        NativeBuffer pooledBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, n, headDim);
        NativeBuffer offsetBuffer = NativeBuffer.allocate(Device.CPU, DType.I64, slices + 1);
        NativeBuffer outputBuffer =
            NativeBuffer.allocate(
                Device.CPU, Prune.Outputs.bytes(DType.F32, n, hidden, n, slices));
        PointerScope scope = new PointerScope()) {
      queryBuffer.copyFrom(Inputs.normal(values, 21));
      keyBuffer.copyFrom(Inputs.normal(values, 22));
      featureBuffer.copyFrom(Inputs.normal(n * hidden, 31));
      offsetBuffer.copyFrom(Inputs.offsets(slices, tokens));
      TensorView features = featureBuffer.view(DType.F32, n, hidden);
      TensorView offsets = offsetBuffer.view(DType.I64, slices + 1);
      Prune.Attended scores =
          new Prune.Attended(
              AttentionMass.Params.of(new AttentionMass.Contiguous(GROUP)),
              queryBuffer.view(DType.F32, rows, heads, headDim),
              keyBuffer.view(DType.F32, rows, heads, headDim),
              null,
              massBuffer.view(DType.F32, n),
              pooledBuffer.view(DType.F32, n, headDim));
      Prune.Params params = Prune.Params.of(MergeCase.NUCLEUS, MergeCase.RATIO);
      Prune.Outputs outputs = Prune.Outputs.in(outputBuffer, DType.F32, n, hidden, n, slices);
      Runnable ours =
          () ->
              Prune.run(
                  params,
                  scores,
                  features,
                  offsets,
                  null,
                  null,
                  outputs,
                  workspace,
                  Stream.DEFAULT);

      // As the encoder's projections leave them, seen per head: [slice, H, T, d].
      Tensor query = perHead(queryBuffer);
      Tensor key = perHead(keyBuffer);
      Tensor image =
          TorchTensors.borrow(featureBuffer.view(DType.F32, slices, tokens, hidden)).tensor();
      Runnable authors =
          () -> {
            try (PointerScope step = new PointerScope()) {
              authors(query, key, image);
            }
          };

      ours.run();
      String check = compare(scores, outputs, query, key, image);
      int kept = kept(outputs);
      Report.Ceiling fma = ceilings.fma(setup);
      Map<String, Timing> race = setup.race().with("ours", ours).with("authors", authors).run();
      Timing time = Setup.require(race, "ours");
      long flops = 2L * slices * heads * patches * patches * headDim; // Q K^T
      return List.of(
          new Report.Row(
              "stage 2",
              String.format(
                  "f32 %dx%dx%dx%d to %dx%d", slices, patches, heads, headDim, tokens, hidden),
              String.format(
                  "[%d, %d, %d], [%d, %d], %d rows kept", rows, heads, headDim, n, hidden, kept),
              "f32",
              "cpu",
              // Queries, keys and every feature row once in, kept rows once out.
              (2L * values + ((long) n + kept) * hidden) * Float.BYTES,
              flops,
              time,
              Ceilings.share(fma, flops, time),
              new Report.Memory(
                  Prune.workspaceBytes(params, scores, features, offsets, null), null),
              List.of(Setup.baseline(race, "ours", "authors", AUTHORS)),
              List.of(),
              check));
    }
  }

  private int kept(Prune.Outputs outputs) {
    try (BorrowedTensor ends = TorchTensors.borrow(outputs.packedOffsets());
        PointerScope scope = new PointerScope()) {
      return Math.toIntExact(ends.tensor().select(0, slices).item_long());
    }
  }

  private Tensor perHead(NativeBuffer buffer) {
    return TorchTensors.borrow(buffer.view(DType.F32, slices, patches, heads, headDim))
        .tensor()
        .transpose(1, 2);
  }

  private void authors(Tensor query, Tensor key, Tensor image) {
    Tensor[] keys = new Tensor[slices];
    Tensor[] nuclei = new Tensor[slices];
    for (int s = 0; s < slices; s++) {
      AuthorsForm.Scores scores =
          AuthorsForm.columnMass(query.select(0, s), key.select(0, s), GROUP);
      keys[s] = scores.keys();
      nuclei[s] = AuthorsForm.nucleus(scores.mass(), MergeCase.NUCLEUS.tau(), temperature());
    }
    AuthorsForm.mergeAndCompact(
        image,
        torch.cat(new TensorVector(keys)),
        torch.stack(new TensorVector(nuclei)),
        MergeCase.RATIO);
  }

  private static double temperature() {
    return MergeCase.NUCLEUS.temperature();
  }

  /**
   * Masses and keys against the authors', then each later step given what ours had before it: their
   * f32 sums may fall on the other side of tau.
   */
  private String compare(
      Prune.Attended scores, Prune.Outputs outputs, Tensor query, Tensor key, Tensor image) {
    int tokens = patches / GROUP;
    try (BorrowedTensor m = TorchTensors.borrow(scores.mass());
        BorrowedTensor k = TorchTensors.borrow(scores.pooledKeys());
        BorrowedTensor r = TorchTensors.borrow(outputs.role());
        PointerScope scope = new PointerScope()) {
      Tensor mass = m.tensor().view(slices, tokens);
      Tensor keys = k.tensor().view(slices, tokens, headDim);
      double worst = 0;
      Tensor[] nuclei = new Tensor[slices];
      byte[] roles = TorchTensors.bytes(r.tensor());
      for (int s = 0; s < slices; s++) {
        AuthorsForm.Scores theirs =
            AuthorsForm.columnMass(query.select(0, s), key.select(0, s), GROUP);
        worst =
            Math.max(
                worst,
                MassCase.difference(
                    TorchTensors.floats(mass.select(0, s)), TorchTensors.floats(theirs.mass())));
        worst =
            Math.max(
                worst,
                MassCase.difference(
                    TorchTensors.floats(keys.select(0, s)),
                    TorchTensors.floats(theirs.keys().squeeze(0))));
        nuclei[s] = AuthorsForm.nucleus(mass.select(0, s), MergeCase.NUCLEUS.tau(), temperature());
        byte[] selected = TorchTensors.bytes(nuclei[s]);
        for (int i = 0; i < tokens; i++) {
          Setup.check(
              (roles[s * tokens + i] == ContextualMerge.ROLE_NUCLEUS) == (selected[i] != 0),
              "stage 2: LibTorch selects other tokens of slice " + s);
        }
      }
      Setup.check(worst <= TOLERANCE, "stage 2: masses or keys differ by " + worst + " relative");
      String rows =
          MergeCase.compare(
              outputs.role(),
              outputs.packed(),
              kept(outputs),
              image,
              keys,
              torch.stack(new TensorVector(nuclei)).to(ScalarType.Bool));
      return String.format(
          "masses and keys within %.1e relative of the authors' (allowed: %.0e); given those, %s",
          worst, TOLERANCE, rows);
    }
  }
}
