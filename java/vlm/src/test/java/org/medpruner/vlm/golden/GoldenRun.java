package org.medpruner.vlm.golden;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.Device;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.engine.PackedTokens;
import org.medpruner.vlm.engine.PrunedPrompt;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.engine.Session;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.golden.ModelGolden.Volume;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.pruning.SliceStage;
import org.medpruner.vlm.pruning.TokenPlans;
import org.medpruner.vlm.pruning.TokenStage;

/** The comparisons with golden tensors that are the same for every family. */
public final class GoldenRun {
  /** Logits and features; the README's figure. */
  public static final double LOGITS = 1e-4;

  /** The attention-mass op on given queries and keys; the README's figure. */
  private static final double MASS = 3e-6;

  private final ModelGolden<?> golden;

  /** Comparisons with one model's tensors. */
  public GoldenRun(ModelGolden<?> golden) {
    this.golden = golden;
  }

  /** What the encoder is given, F32 and contiguous, against the manifest's hash of it. */
  public void checkPixels(String group, Tensor pixels) {
    String fact = group.equals("run") ? "pixel_values" : group + "/pixel_values";
    assertEquals(
        golden.facts().get(fact).get("sha256_f32_le").textValue(),
        GoldenFolder.sha256(
            MemorySegment.ofAddress(pixels.data_ptr().address())
                .reinterpret(pixels.numel() * Float.BYTES)),
        group);
  }

  /** Stage 2 with the masses of a volume; the caller closes it. */
  public TokenStage stage(Volume volume, AttentionMass.Pooling pooling, Workspace w) {
    return stage(volume, pooling, PruningPolicy.REFERENCE, w);
  }

  private TokenStage stage(
      Volume volume, AttentionMass.Pooling pooling, PruningPolicy policy, Workspace w) {
    VisionEncoder.Tokens t = golden.encoded(volume);
    TokenStage stage = stage(policy, volume.slices, golden.source(volume).grid().tokens(), t, w);
    stage.features().copy_(t.features().flatten(0, 1));
    stage.add(0, t.query(), t.key(), pooling);
    return stage;
  }

  /** Stage 2 for slices of {@code tokens} each, nothing added yet; the caller closes it. */
  public TokenStage stage(int slices, int tokens, VisionEncoder.Tokens seen, Workspace w) {
    return stage(PruningPolicy.REFERENCE, slices, tokens, seen, w);
  }

  private TokenStage stage(
      PruningPolicy policy, int slices, int tokens, VisionEncoder.Tokens seen, Workspace w) {
    return new TokenPlans(w)
        .stage(
            policy.resolved(golden.family.temperature()),
            TokenStage.Slices.whole(slices, tokens),
            golden.family.visionHeadDim(),
            seen.features().size(2),
            seen.features().scalar_type());
  }

  /**
   * Attention mass of a volume's first slice against the same queries and keys in F64.
   *
   * @param pooling of neighbouring patches
   */
  public void checkMassInDouble(Volume volume, AttentionMass.Pooling pooling) {
    VisionEncoder.Tokens t = golden.encoded(volume);
    long heads = t.query().size(2);
    int n = golden.source(volume).grid().tokens();
    try (PointerScope scope = new PointerScope();
        Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = stage(volume, pooling, w)) {
      double[] mass = new double[n];
      for (long h = 0; h < heads; h++) {
        Tensor q = t.query().select(0, 0).select(1, h).to(ScalarType.Double);
        Tensor k = t.key().select(0, 0).select(1, h).to(ScalarType.Double).transpose(0, 1);
        // Part by part: of all patches at once the logits alone may take hundreds of megabytes.
        for (long row = 0; row < q.size(0); row += 512) {
          Tensor rows = q.narrow(0, row, Math.min(512, q.size(0) - row));
          double[] pooled =
              TorchTensors.doubles(
                  TorchScope.run(
                      () ->
                          rows.matmul(k)
                              .mul(new Scalar(1 / Math.sqrt(rows.size(1))))
                              .softmax(-1)
                              .sum(0)
                              .view(n, -1)
                              .mean(1)));
          for (int i = 0; i < n; i++) {
            mass[i] += pooled[i] / heads;
          }
        }
      }
      Values.assertClose("mass of slice 0", mass, Arrays.copyOf(Values.of(stage.mass()), n), MASS);
    }
  }

  /** Slices and distances of stage 1; {@code name} is a volume, "/gamma" and a number. */
  public void checkSlices(String name) {
    Volume volume = golden.volume(name.substring(0, name.indexOf('/')));
    double gamma = Double.parseDouble(name.substring(name.indexOf("/gamma") + 6));
    SliceStage.Result r;
    try (Workspace w = Workspace.create(Device.CPU)) {
      r = golden.source(volume).anchor(gamma, 0, 0, new long[] {0, volume.slices}, w).getFirst();
    }
    checkSlices(name, r, golden.source(volume).grid().tokens());
  }

  /** A result of stage 1 against the stored one of a name. */
  public void checkSlices(String name, SliceStage.Result r, int tokens) {
    assertArrayEquals(
        golden.expected.bools("slice/" + name + "/mask"), sliceMask(r.kept(), tokens));
    Values.assertClose(
        name,
        golden.expected.doubles("slice/" + name + "/l1"),
        Arrays.copyOfRange(r.distance(), 1, r.distance().length),
        1e-6);
  }

  /** What the released code calls the compression mask: a dropped slice keeps its first token. */
  private static boolean[] sliceMask(boolean[] kept, int n) {
    boolean[] mask = new boolean[kept.length * n];
    for (int t = 0; t < mask.length; t++) {
      mask[t] = kept[t / n] || t % n == 0;
    }
    return mask;
  }

  /** Roles, assignments and merged features of stage 2; {@code tau} is "tau" and a number. */
  public void checkCompose(String tau, AttentionMass.Pooling pooling) {
    String p = "compose/" + tau + "/";
    Volume volume = golden.volume("run");
    int n = golden.source(volume).grid().tokens();
    PruningPolicy policy = PruningPolicy.REFERENCE.withTau(Double.parseDouble(tau.substring(3)));
    try (PointerScope scope = new PointerScope();
        Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = stage(volume, pooling, policy, w)) {
      TokenStage.Pruned pruned = stage.prune();
      TokenStage.Result r = pruned.result();
      int[] role = golden.expected.ints(p + "role");
      int[] assign = golden.expected.ints(p + "assign");
      boolean[] mask = golden.expected.bools(p + "mask");
      for (int t = 0; t < role.length; t++) {
        String at = p + " slice " + t / n + " token " + t % n;
        assertEquals(role[t], r.role()[t], at + ": role");
        assertEquals(mask[t], r.role()[t] != ContextualMerge.ROLE_MERGED, at + ": mask");
        assertEquals(assign[t] < 0 ? t % n : assign[t], r.assignment()[t], at + ": assignment");
      }
      int[] rows = pruned.rows();
      assertArrayEquals(IntStream.range(0, mask.length).filter(t -> mask[t]).toArray(), rows);
      if (golden.expected.has(p + "features")) {
        double[] all = golden.expected.doubles(p + "features");
        int columns = all.length / mask.length;
        double[] expected = new double[rows.length * columns];
        for (int i = 0; i < rows.length; i++) {
          System.arraycopy(all, rows[i] * columns, expected, i * columns, columns);
        }
        Values.assertClose(p + "features", expected, Values.of(pruned.packed()), LOGITS);
      }
    }
  }

  /** A whole run: masks, rates, kept positions, rotary positions, logits, greedy tokens. */
  public void checkRun(String run) {
    PruningPolicy policy = policy(run);
    try (PrunedVolume v = golden.encode(golden.volume(group(run)), policy)) {
      checkRun(run, policy, v, golden.prompt(group(run)));
    }
  }

  /** The same of a volume that was encoded by the caller. */
  public void checkRun(String run, PruningPolicy policy, PrunedVolume v, Prompt prompt) {
    int steps = golden.expected.ints(run + "/generated").length;
    Decoded decoded = decodeChecked(run, policy, v, prompt, steps);
    checkDecoded(run, golden.expected, decoded);
    checkDecodePositions(run, decoded);
  }

  /** A run up to the logits of the prompt. */
  public void checkPrompt(String run) {
    PruningPolicy policy = policy(run);
    try (PrunedVolume v = golden.encode(golden.volume(group(run)), policy)) {
      decodeChecked(run, policy, v, golden.prompt(group(run)), 0);
    }
  }

  private static String group(String run) {
    return run.substring(0, run.indexOf('/'));
  }

  private PruningPolicy policy(String run) {
    return golden.policy(run.substring(run.indexOf('/') + 1));
  }

  private Decoded decodeChecked(
      String run, PruningPolicy policy, PrunedVolume v, Prompt prompt, int steps) {
    checkMasks(run, v, policy);
    PrunedPrompt pruned = golden.pipeline.prune(prompt, v);
    assertArrayEquals(golden.expected.ints(run + "/kept_prompt_positions"), pruned.origin());
    assertArrayEquals(
        Arrays.stream(golden.expected.ints(run + "/position_ids")).asLongStream().toArray(),
        flat(pruned.positions()));
    checkEmbeddings(run, v, pruned);
    Decoded decoded = decode(v.tokens(), pruned, steps);
    checkPrefill(run, golden.expected, rows(run, pruned.length()), decoded.prefill);
    return decoded;
  }

  /** Greedy tokens and their logits against those stored below a prefix. */
  public void checkDecoded(String prefix, TensorFile file, Decoded decoded) {
    assertEquals(Arrays.stream(file.ints(prefix + "/generated")).boxed().toList(), decoded.ids);
    Values.assertClose(
        prefix + " decode", file.doubles(prefix + "/generated_logits"), decoded.logits, LOGITS);
  }

  private static long[] flat(long[][] axes) {
    return Arrays.stream(axes).flatMapToLong(Arrays::stream).toArray();
  }

  private void checkMasks(String run, PrunedVolume v, PruningPolicy policy) {
    int n = v.selection().tokensPerSlice();
    List<SliceReport> slices = v.report().slices();
    boolean[] kept = new boolean[slices.size()];
    boolean[] token = new boolean[slices.size() * n];
    Arrays.fill(token, true);
    for (SliceReport s : slices) {
      kept[s.index()] = s.kept();
      for (int t = 0; t < n && policy.tokenPruning(); t++) {
        token[s.index() * n + t] =
            Objects.requireNonNull(s.detail()).role()[t] != ContextualMerge.ROLE_MERGED;
      }
    }
    assertArrayEquals(golden.expected.bools(run + "/compression_mask"), sliceMask(kept, n));
    assertArrayEquals(golden.expected.bools(run + "/dyn_token_mask"), token);
    assertArrayEquals(golden.expected.bools(run + "/select_mask"), v.selection().token());
    PruningReport.Rates rates = v.report().rates();
    Values.assertClose(
        run + " rates",
        golden.expected.doubles(run + "/rates"),
        new float[] {(float) rates.slice(), (float) rates.token(), (float) rates.overall()},
        1e-7);
  }

  private void checkEmbeddings(String run, PrunedVolume v, PrunedPrompt pruned) {
    if (!golden.expected.has(run + "/inputs_embeds")) {
      return;
    }
    try (PointerScope scope = new PointerScope();
        Session session = new Session(golden.family.decoder(), pruned)) {
      Values.assertClose(
          run + " inputs_embeds",
          golden.expected.doubles(run + "/inputs_embeds"),
          Values.of(session.embeddings(v.tokens())),
          LOGITS);
    }
  }

  /** The prompt rows whose logits are stored with a run. */
  private int[] rows(String run, int length) {
    return golden.expected.has(run + "/prefill_rows")
        ? golden.expected.ints(run + "/prefill_rows")
        : IntStream.range(0, length).toArray();
  }

  /** Prefill logits of some rows against those stored below a prefix. */
  public void checkPrefill(String prefix, TensorFile file, int[] rows, float[] logits) {
    int vocabulary = golden.family.decoder().config().vocabSize();
    float[] chosen = new float[rows.length * vocabulary];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(logits, rows[i] * vocabulary, chosen, i * vocabulary, vocabulary);
    }
    Values.assertClose(
        prefix + " prefill", file.doubles(prefix + "/prefill_logits"), chosen, LOGITS);
  }

  private void checkDecodePositions(String run, Decoded decoded) {
    if (golden.expected.has(run + "/decode_position_ids")) {
      int[] stored = golden.expected.ints(run + "/decode_position_ids");
      int steps = decoded.ids.size() - 1;
      int axes = stored.length / steps;
      for (int i = 0; i < stored.length; i++) {
        assertEquals(
            stored[i], decoded.positions[i / axes], run + ": position of step " + i / axes);
      }
    }
  }

  /**
   * What greedy decoding gave.
   *
   * @param prefill logits of the whole prompt
   * @param ids generated
   * @param logits of each of them
   * @param positions rotary position each of them would be fed back at
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Decoded(float[] prefill, List<Integer> ids, float[] logits, long[] positions) {}

  /** Decodes a pruned prompt greedily, stop ids ignored. */
  public Decoded decode(PackedTokens visual, PrunedPrompt pruned, int steps) {
    int vocabulary = golden.family.decoder().config().vocabSize();
    List<Integer> ids = new ArrayList<>();
    float[] all = new float[steps * vocabulary];
    long[] positions = new long[steps];
    try (PointerScope scope = new PointerScope();
        Session session = new Session(golden.family.decoder(), pruned)) {
      Tensor state = session.prefill(visual);
      float[] prefill = Values.of(session.logits(state, pruned.length()));
      for (int i = 0; i < steps; i++) {
        Tensor row = session.logits(state, 1);
        System.arraycopy(Values.of(row), 0, all, i * vocabulary, vocabulary);
        ids.add((int) row.argmax().item_long());
        positions[i] = session.nextPosition();
        state = session.step(ids.getLast());
      }
      return new Decoded(prefill, ids, all, positions);
    }
  }
}
