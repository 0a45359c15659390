package org.medpruner.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.ContextualMerge;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.GatherRows;
import org.medpruner.NativeBuffer;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;
import org.medpruner.torch.BorrowedTensor;
import org.medpruner.torch.TorchTensors;

/**
 * Contextual merge and compaction of a batch of equal slices in f32: the two ops, which copy all
 * features in between, and {@link Prune}, which does not and selects the nuclei besides. LibTorch's
 * forms are given the nuclei.
 */
final class MergeCase implements Setup.Case {
  private static final int HEAD_DIM = 72;
  static final double RATIO = 0.05;
  static final NucleusSelect.Params NUCLEUS = NucleusSelect.Params.softmax(0.9, 2);
  private static final float TOLERANCE = 1e-5f;

  private final int segments;
  private final int tokens;
  private final int hidden;

  MergeCase(int segments, int tokens, int hidden) {
    this.segments = segments;
    this.tokens = tokens;
    this.hidden = hidden;
  }

  @Override
  public List<Report.Row> rows(Setup setup, Ceilings ceilings) {
    int n = segments * tokens;
    try (Workspace workspace = Workspace.create(Device.CPU);
        NativeBuffer featureBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, n, hidden);
        NativeBuffer mergedBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, n, hidden);
        NativeBuffer packedBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, n, hidden);
        NativeBuffer keyBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, n, HEAD_DIM);
        NativeBuffer maskBuffer = NativeBuffer.allocate(Device.CPU, DType.U8, n);
        NativeBuffer offsetBuffer = NativeBuffer.allocate(Device.CPU, DType.I64, segments + 1);
        NativeBuffer packedOffsets = NativeBuffer.allocate(Device.CPU, DType.I64, segments + 1);
        NativeBuffer gatherFlags = NativeBuffer.allocate(Device.CPU, DType.U32, segments);
        NativeBuffer massBuffer = NativeBuffer.allocate(Device.CPU, DType.F32, n);
        NativeBuffer pruneBuffer =
            NativeBuffer.allocate(
                Device.CPU, Prune.Outputs.bytes(DType.F32, n, hidden, n, segments));
        NativeBuffer mergeBuffer =
            NativeBuffer.allocate(Device.CPU, ContextualMerge.Outputs.bytes(n, segments));
        PointerScope scope = new PointerScope()) {
      featureBuffer.copyFrom(Inputs.normal(n * hidden, 31));
      keyBuffer.copyFrom(Inputs.normal(n * HEAD_DIM, 32));
      offsetBuffer.copyFrom(Inputs.offsets(segments, tokens));
      float[] masses = Inputs.masses(segments, tokens);
      massBuffer.copyFrom(masses);
      maskBuffer.copyFrom(nuclei(masses));
      TensorView features = featureBuffer.view(DType.F32, n, hidden);
      TensorView keys = keyBuffer.view(DType.F32, n, HEAD_DIM);
      TensorView mask = maskBuffer.view(DType.U8, n);
      TensorView offsets = offsetBuffer.view(DType.I64, segments + 1);
      TensorView merged = mergedBuffer.view(DType.F32, n, hidden);
      TensorView packed = packedBuffer.view(DType.F32, n, hidden);
      ContextualMerge.Params params = new ContextualMerge.Params(RATIO);
      ContextualMerge.Outputs mergeOutputs =
          ContextualMerge.Outputs.in(mergeBuffer, merged, n, segments);
      GatherRows.Outputs gatherOutputs =
          new GatherRows.Outputs(
              packed,
              packedOffsets.view(DType.I64, segments + 1),
              gatherFlags.view(DType.U32, segments));
      Prune.Params pruneParams = Prune.Params.of(NUCLEUS, RATIO);
      Prune.Scores scores = new Prune.Given(massBuffer.view(DType.F32, n), keys);
      Prune.Outputs pruned = Prune.Outputs.in(pruneBuffer, DType.F32, n, hidden, n, segments);
      Runnable prune =
          () ->
              Prune.run(
                  pruneParams,
                  scores,
                  features,
                  offsets,
                  null,
                  null,
                  pruned,
                  workspace,
                  Stream.DEFAULT);
      Runnable ops =
          () -> {
            ContextualMerge.run(
                params, features, keys, mask, offsets, mergeOutputs, workspace, Stream.DEFAULT);
            GatherRows.run(
                GatherRows.Params.DEFAULT,
                merged,
                mergeOutputs.keptIndices(),
                mergeOutputs.keptCounts(),
                offsets,
                gatherOutputs,
                workspace,
                Stream.DEFAULT);
          };

      Tensor torchFeatures =
          TorchTensors.borrow(featureBuffer.view(DType.F32, segments, tokens, hidden)).tensor();
      Tensor torchKeys =
          TorchTensors.borrow(keyBuffer.view(DType.F32, segments, tokens, HEAD_DIM)).tensor();
      Tensor nuclei =
          TorchTensors.borrow(maskBuffer.view(DType.U8, segments, tokens))
              .tensor()
              .to(ScalarType.Bool);
      Runnable authors =
          () -> close(AuthorsForm.mergeAndCompact(torchFeatures, torchKeys, nuclei, RATIO));
      Runnable tuned =
          () -> close(TunedForm.mergeAndCompact(torchFeatures, torchKeys, nuclei, RATIO));

      ops.run();
      prune.run();
      long[] ends = new long[segments + 1];
      packedOffsets.copyTo(ends);
      int kept = Math.toIntExact(ends[segments]);
      String opsCheck =
          compare(mergeOutputs.role(), packed, kept, torchFeatures, torchKeys, nuclei);
      String pruneCheck =
          compare(pruned.role(), pruned.packed(), kept, torchFeatures, torchKeys, nuclei);
      Report.Ceiling copy = ceilings.copy(setup);
      Map<String, Timing> race =
          setup
              .race()
              .with("prune", prune)
              .with("ops", ops)
              .with("authors", authors)
              .with("tuned", tuned)
              .run();
      String size = "f32 " + segments + "x" + tokens + "x" + hidden;
      String shape = "[" + n + ", " + hidden + "] in " + segments + " segments, " + kept + " kept";
      // Every feature row is read once and every kept one written once; keys are read once.
      long bytes = ((long) n + kept) * hidden * Float.BYTES + (long) n * HEAD_DIM * Float.BYTES;
      Report.Memory memory =
          new Report.Memory(
              Prune.workspaceBytes(pruneParams, scores, features, offsets, null), null);
      List<Report.Baseline> pruneBaselines =
          List.of(
              authors(race, "prune"),
              tuned(race, "prune"),
              Setup.baseline(
                  race, "prune", "ops", "MedPruner's contextual_merge and gather_rows alone"));
      List<Report.Baseline> opsBaselines = List.of(authors(race, "ops"), tuned(race, "ops"));
      Timing pruneTime = Setup.require(race, "prune");
      Timing opsTime = Setup.require(race, "ops");
      return List.of(
          new Report.Row(
              "prune",
              size,
              shape,
              "f32",
              "cpu",
              bytes + (long) n * Float.BYTES,
              0,
              pruneTime,
              Ceilings.share(copy, bytes + (double) n * Float.BYTES, pruneTime),
              memory,
              pruneBaselines,
              List.of(),
              pruneCheck),
          new Report.Row(
              "contextual_merge+gather_rows",
              size,
              shape,
              "f32",
              "cpu",
              bytes,
              0,
              opsTime,
              Ceilings.share(copy, bytes, opsTime),
              null,
              opsBaselines,
              List.of(),
              opsCheck));
    }
  }

  private static Report.Baseline authors(Map<String, Timing> race, String ours) {
    return Setup.baseline(
        race,
        ours,
        "authors",
        "LibTorch: one-hot matrix, bmm and a copy per image, then boolean indexing; nuclei given");
  }

  private static Report.Baseline tuned(Map<String, Timing> race, String ours) {
    return Setup.baseline(
        race,
        ours,
        "tuned",
        "LibTorch: index_add instead of the one-hot matrix, only kept rows copied; nuclei given");
  }

  private static void close(AuthorsForm.Merged merged) {
    merged.features().close();
    merged.mask().close();
  }

  /** Masks of the nuclei of each segment. */
  private byte[] nuclei(float[] masses) {
    byte[] mask = new byte[segments * tokens];
    for (int s = 0; s < segments; s++) {
      float[] one = Arrays.copyOfRange(masses, s * tokens, (s + 1) * tokens);
      for (int i : NucleusSelect.apply(one, NUCLEUS).keptIndices()) {
        mask[s * tokens + i] = 1;
      }
    }
    return mask;
  }

  /** Roles and packed rows against both LibTorch forms, given the nuclei. */
  static String compare(
      TensorView role, TensorView packed, int kept, Tensor features, Tensor keys, Tensor nuclei) {
    byte[] roles;
    float[] rows;
    try (BorrowedTensor r = TorchTensors.borrow(role);
        BorrowedTensor p = TorchTensors.borrow(packed);
        PointerScope scope = new PointerScope()) {
      roles = TorchTensors.bytes(r.tensor());
      rows = TorchTensors.floats(p.tensor().narrow(0, 0, kept));
    }
    double worst = 0;
    for (AuthorsForm.Merged theirs :
        List.of(
            AuthorsForm.mergeAndCompact(features, keys, nuclei, RATIO),
            TunedForm.mergeAndCompact(features, keys, nuclei, RATIO))) {
      byte[] mask = TorchTensors.bytes(theirs.mask());
      for (int i = 0; i < mask.length; i++) {
        boolean ours = roles[i] != ContextualMerge.ROLE_MERGED;
        Setup.check(ours == (mask[i] != 0), "MedPruner and LibTorch keep different tokens: " + i);
      }
      worst = Math.max(worst, MassCase.difference(rows, TorchTensors.floats(theirs.features())));
      close(theirs);
    }
    Setup.check(worst <= TOLERANCE, "merged rows differ by " + worst + " relative");
    return String.format(
        "same tokens kept as by both LibTorch forms, rows within %.1e relative (allowed: %.0e)",
        worst, TOLERANCE);
  }
}
