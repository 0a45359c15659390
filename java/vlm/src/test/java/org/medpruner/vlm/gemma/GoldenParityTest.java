package org.medpruner.vlm.gemma;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.Device;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.ImageMask;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.engine.PackedTokens;
import org.medpruner.vlm.engine.PromptPositions;
import org.medpruner.vlm.engine.PrunedPrompt;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.engine.Selection;
import org.medpruner.vlm.engine.Session;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.golden.GoldenFolder;
import org.medpruner.vlm.golden.TensorFile;
import org.medpruner.vlm.golden.Values;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.pruning.SliceStage;
import org.medpruner.vlm.pruning.TokenPlans;
import org.medpruner.vlm.pruning.TokenStage;

/**
 * Parity with the released Python code and with plain transformers, on the golden folder. Every
 * scenario, shape and id comes from its files; tolerances are those its README states.
 */
class GoldenParityTest {
  private static final double LOGITS = 1e-4;

  /** The op on given q and k; the README's figure. */
  private static final double MASS = 3e-6;

  /**
   * The mass behind the whole vision tower; the manifest's figure. The stored masses themselves are
   * up to 6.6e-6 away from those of a tower in f64, which no second f32 tower can undercut.
   */
  private static final double TOWER_MASS = 1e-5;

  private static Golden golden;

  @BeforeAll
  static void open() {
    golden = Golden.open();
  }

  @AfterAll
  static void close() {
    if (golden != null) {
      golden.close();
    }
  }

  /** Names of the expected tensors that match a pattern with one group, as that group. */
  private static TreeSet<String> found(String pattern) {
    TreeSet<String> out = new TreeSet<>();
    var compiled = java.util.regex.Pattern.compile(pattern);
    for (String name : golden.expected.names()) {
      var m = compiled.matcher(name);
      if (m.matches()) {
        out.add(m.group(1));
      }
    }
    return out;
  }

  private static Stream<DynamicTest> each(
      String pattern, java.util.function.Consumer<String> test) {
    List<DynamicTest> tests =
        found(pattern).stream().map(n -> dynamicTest(n, () -> test.accept(n))).toList();
    GoldenFolder.assume(
        !tests.isEmpty(), "medgemma_golden.safetensors has nothing like " + pattern);
    return tests.stream();
  }

  @Test
  void pixelsAreTheGoldenOnes() {
    JsonNode facts = golden.facts();
    assertEquals(
        facts.get("pixel_values").get("sha256_f32_le").textValue(),
        GoldenFolder.sha256(golden.volume("run").memory));
    JsonNode other = facts.get("example4d/pixel_values");
    if (other != null) {
      assertEquals(
          other.get("sha256_f32_le").textValue(),
          GoldenFolder.sha256(golden.volume("example4d").memory));
    }
  }

  @Test
  void imageFeatures() {
    Values.assertClose(
        "image_features",
        golden.expected.doubles("image_features"),
        Values.of(golden.encoded(golden.volume("run")).features()),
        LOGITS);
  }

  @Test
  void visionTower() {
    GoldenFolder.assume(
        golden.expected.has("vision_last_hidden_img0_img7"), "no vision_last_hidden_img0_img7");
    try (PointerScope scope = new PointerScope()) {
      Tensor pixels = golden.source(golden.volume("run")).pictures(new int[] {0, 7});
      Values.assertClose(
          "vision_last_hidden",
          golden.expected.doubles("vision_last_hidden_img0_img7"),
          Values.of(golden.family.tower().encode(pixels).hidden()),
          LOGITS);
    }
  }

  private static TokenStage stage(
      Golden.Volume volume, AttentionMass.Pooling pooling, Workspace w) {
    return stage(volume, pooling, PruningPolicy.REFERENCE, w);
  }

  private static TokenStage stage(
      Golden.Volume volume, AttentionMass.Pooling pooling, PruningPolicy policy, Workspace w) {
    var config = golden.family.config();
    VisionEncoder.Tokens t = golden.encoded(volume);
    TokenStage stage =
        new TokenPlans(w)
            .stage(
                policy.resolved(golden.family.temperature()),
                TokenStage.Slices.whole(volume.slices, config.tokensPerImage()),
                config.vision().headDim(),
                t.features().size(2),
                t.features().scalar_type());
    stage.features().copy_(t.features().flatten(0, 1));
    stage.add(0, t.query(), t.key(), pooling);
    return stage;
  }

  private static AttentionMass.Pooling strips() {
    long block = golden.family.config().poolBlock();
    return new AttentionMass.Contiguous(block * block);
  }

  private static AttentionMass.Pooling blocks() {
    long grid = golden.family.config().vision().grid();
    long block = golden.family.config().poolBlock();
    return new AttentionMass.Grid(grid, grid, block, block);
  }

  @Test
  void attentionMassAndPooledKeys() {
    try (Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = stage(golden.volume("run"), strips(), w)) {
      Values.assertClose(
          "attn_mass", golden.expected.doubles("attn_mass"), Values.of(stage.mass()), TOWER_MASS);
      Values.assertClose(
          "pooled_keys",
          golden.expected.doubles("pooled_keys"),
          Values.of(stage.pooledKeys()),
          1e-5);
    }
  }

  @Test
  void attentionMassOfTheSameQueriesInDoublePrecision() {
    Golden.Volume volume = golden.volume("run");
    VisionEncoder.Tokens t = golden.encoded(volume);
    int heads = Math.toIntExact(t.query().size(2));
    try (PointerScope scope = new PointerScope();
        Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = stage(volume, strips(), w)) {
      Tensor mass = null;
      for (int h = 0; h < heads; h++) {
        Tensor q = t.query().select(0, 0).select(1, h).to(ScalarType.Double);
        Tensor k = t.key().select(0, 0).select(1, h).to(ScalarType.Double).transpose(0, 1);
        for (long row = 0; row < q.size(0); row += 512) {
          Tensor rows = q.narrow(0, row, Math.min(512, q.size(0) - row));
          Tensor part =
              TorchScope.run(
                  () ->
                      rows.matmul(k)
                          .mul(new Scalar(1 / Math.sqrt(rows.size(1))))
                          .softmax(-1)
                          .sum(0)
                          .div(new Scalar((double) heads)));
          mass = mass == null ? part : mass.add(part);
        }
      }
      int n = golden.family.config().tokensPerImage();
      Values.assertClose(
          "mass of slice 0",
          TorchTensors.doubles(Objects.requireNonNull(mass).view(n, -1).mean(1)),
          Arrays.copyOf(Values.of(stage.mass()), n),
          MASS);
    }
  }

  /** B5: scores belong to the patches the projector pools, not to strips of a raster row. */
  @Test
  void b5ScoresArePooledOverTheProjectorsBlocks() {
    try (Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = stage(golden.volume("run"), blocks(), w)) {
      Values.assertClose(
          "attn_mass_spatial4x4",
          golden.expected.doubles("attn_mass_spatial4x4"),
          Values.of(stage.mass()),
          TOWER_MASS);
    }
    PruningPolicy paper = PruningPolicy.PAPER.toBuilder().sliceAnchoring(false).build();
    try (PrunedVolume v = golden.encode(golden.volume("run"), paper)) {
      double[] expected = golden.expected.doubles("attn_mass_spatial4x4");
      int n = golden.family.config().tokensPerImage();
      for (SliceReport s : v.report().slices()) {
        Values.assertClose(
            "reported mass of slice " + s.index(),
            Arrays.copyOfRange(expected, s.index() * n, (s.index() + 1) * n),
            Objects.requireNonNull(s.detail()).mass(),
            TOWER_MASS);
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> sliceStage() {
    return each("slice/(.*/gamma.*)/mask", GoldenParityTest::checkSlices);
  }

  private static void checkSlices(String name) {
    Golden.Volume volume = golden.volume(name.substring(0, name.indexOf('/')));
    double gamma = Double.parseDouble(name.substring(name.indexOf("/gamma") + 6));
    SliceStage.Result r;
    try (Workspace w = Workspace.create(Device.CPU)) {
      r = golden.source(volume).anchor(gamma, 0, 0, new long[] {0, volume.slices}, w).getFirst();
    }
    int n = golden.family.config().tokensPerImage();
    assertArrayEquals(golden.expected.bools("slice/" + name + "/mask"), sliceMask(r.kept(), n));
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

  @TestFactory
  Stream<DynamicTest> compose() {
    return each("compose/(tau[^/]*)/mask", GoldenParityTest::checkCompose);
  }

  private static void checkCompose(String tau) {
    String p = "compose/" + tau + "/";
    Golden.Volume volume = golden.volume("run");
    int n = golden.family.config().tokensPerImage();
    PruningPolicy policy = PruningPolicy.REFERENCE.withTau(Double.parseDouble(tau.substring(3)));
    try (PointerScope scope = new PointerScope();
        Workspace w = Workspace.create(Device.CPU);
        TokenStage stage = stage(volume, strips(), policy, w)) {
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

  @TestFactory
  Stream<DynamicTest> runs() {
    return each("(.*)/compression_mask", GoldenParityTest::checkRun);
  }

  private static void checkRun(String run) {
    String group = run.substring(0, run.indexOf('/'));
    String scenario = run.substring(run.indexOf('/') + 1);
    GoldenFolder.assume(
        golden.scenario(scenario) != null, "manifest names no scenario " + scenario);
    PruningPolicy policy = golden.policy(scenario);
    try (PrunedVolume v = golden.encode(golden.volume(group), policy)) {
      checkMasks(run, v, policy);
      PrunedPrompt pruned = golden.pruned(group, v);
      assertArrayEquals(golden.expected.ints(run + "/kept_prompt_positions"), pruned.origin());
      assertArrayEquals(
          Arrays.stream(golden.expected.ints(run + "/position_ids")).asLongStream().toArray(),
          pruned.positions()[0]);
      checkPrefill(run, v, pruned, golden.expected, run, LOGITS);
    }
  }

  private static void checkMasks(String run, PrunedVolume v, PruningPolicy policy) {
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

  /** Prefill logits of the rows that were stored, and the decoder's input where it was. */
  private static void checkPrefill(
      String what,
      PrunedVolume v,
      PrunedPrompt pruned,
      TensorFile file,
      String prefix,
      double tolerance) {
    try (PointerScope scope = new PointerScope();
        Session session = new Session(golden.family.decoder(), pruned)) {
      if (file.has(prefix + "/inputs_embeds")) {
        Values.assertClose(
            what + " inputs_embeds",
            file.doubles(prefix + "/inputs_embeds"),
            Values.of(session.embeddings(v.tokens())),
            tolerance);
      }
      float[] logits = Values.of(session.logits(session.prefill(v.tokens()), pruned.length()));
      compareRows(what, file, prefix, rows(prefix, file, pruned.length()), logits, tolerance);
    }
  }

  private static void compareRows(
      String what, TensorFile file, String prefix, int[] rows, float[] logits, double tolerance) {
    double[] stored = file.doubles(prefix + "/prefill_logits");
    int vocabulary = golden.family.config().text().vocabSize();
    float[] chosen = new float[rows.length * vocabulary];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(logits, rows[i] * vocabulary, chosen, i * vocabulary, vocabulary);
    }
    Values.assertClose(what + " prefill", stored, chosen, tolerance);
  }

  /**
   * The rows whose logits are stored: listed with the run of the same scenario, or all of them, or
   * (where the run lists none because it stores all) every 61st and the last 16.
   */
  private static int[] rows(String prefix, TensorFile file, int length) {
    int stored = (int) file.shape(prefix + "/prefill_logits")[0];
    if (stored == length) {
      return java.util.stream.IntStream.range(0, length).toArray();
    }
    String scenario = prefix.substring(prefix.lastIndexOf('/') + 1);
    scenario = scenario.substring(scenario.indexOf('_') + 1);
    for (String name : List.of(prefix + "/prefill_rows", "run/" + scenario + "/prefill_rows")) {
      if (golden.expected.has(name)) {
        return golden.expected.ints(name);
      }
    }
    TreeSet<Integer> rows = new TreeSet<>();
    for (int r = 0; r < length; r += 61) {
      rows.add(r);
    }
    for (int r = Math.max(0, length - 16); r < length; r++) {
      rows.add(r);
    }
    assertEquals(stored, rows.size(), prefix + ": which rows are stored is not known");
    return rows.stream().mapToInt(Integer::intValue).toArray();
  }

  /** B2, B3: positions advance by one per generated token, and all cached keys are seen. */
  @TestFactory
  Stream<DynamicTest> b2b3DecodingWithAdvancingPositions() {
    return each("corrected/(fa2_.*|sdpa_.*)/generated", GoldenParityTest::checkCorrected);
  }

  private static void checkCorrected(String name) {
    String scenario = name.substring(name.indexOf('_') + 1);
    ImageMask mask = name.startsWith("sdpa") ? ImageMask.MODEL : ImageMask.CAUSAL;
    PruningPolicy policy = golden.policy(scenario).toBuilder().imageMask(mask).build();
    try (PrunedVolume v = golden.encode(golden.volume("run"), policy)) {
      PrunedPrompt pruned = golden.pruned("run", v);
      String prefix = "corrected/" + name;
      Decoded decoded = decode(v, pruned, golden.expected.ints(prefix + "/generated").length);
      if (golden.expected.has(prefix + "/prefill_logits")) {
        int[] rows = rows(prefix, golden.expected, pruned.length());
        compareRows(prefix, golden.expected, prefix, rows, decoded.prefill, LOGITS);
      }
      if (golden.expected.has(prefix + "/mask_full_rowsums")) {
        assertArrayEquals(golden.expected.ints(prefix + "/mask_full_rowsums"), visibleKeys(pruned));
      }
      compareDecoded(prefix, golden.expected, decoded);
    }
  }

  /** Keys every prompt token sees in a global layer. */
  private static int[] visibleKeys(PrunedPrompt pruned) {
    int[] group = Objects.requireNonNull(pruned.group());
    int[] seen = new int[pruned.length()];
    for (int q = 0; q < seen.length; q++) {
      int end = q + 1;
      while (end < seen.length && group[q] >= 0 && group[end] == group[q]) {
        end++;
      }
      seen[q] = end;
    }
    return seen;
  }

  /** What greedy decoding gave: all prompt logits, ids, and the logits of each. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Decoded(float[] prefill, List<Integer> ids, float[] logits) {}

  private static Decoded decode(PrunedVolume v, PrunedPrompt pruned, int steps) {
    int vocabulary = golden.family.config().text().vocabSize();
    List<Integer> ids = new ArrayList<>();
    float[] all = new float[steps * vocabulary];
    try (PointerScope scope = new PointerScope();
        Session session = new Session(golden.family.decoder(), pruned)) {
      Tensor state = session.prefill(v.tokens());
      float[] prefill = Values.of(session.logits(state, pruned.length()));
      for (int i = 0; i < steps; i++) {
        Tensor row = session.logits(state, 1);
        System.arraycopy(Values.of(row), 0, all, i * vocabulary, vocabulary);
        ids.add((int) row.argmax().item_long());
        assertEquals(pruned.length() + i, session.nextPosition());
        state = session.step(ids.getLast());
      }
      return new Decoded(prefill, ids, all);
    }
  }

  private static void compareDecoded(String prefix, TensorFile file, Decoded decoded) {
    assertEquals(Arrays.stream(file.ints(prefix + "/generated")).boxed().toList(), decoded.ids);
    Values.assertClose(
        prefix + " decode", file.doubles(prefix + "/generated_logits"), decoded.logits, LOGITS);
  }

  @Test
  void offEqualsStockTransformers() {
    checkStock(ImageMask.MODEL, List.of("gemma3/sdpa", "gemma3/eager"));
  }

  /**
   * B7: under FlashAttention-2 transformers loses the image mask; with CAUSAL that is reproduced.
   */
  @Test
  void b7CausalEqualsStockTransformersUnderFlashAttention() {
    checkStock(ImageMask.CAUSAL, List.of("gemma3/flash_attention_2"));
  }

  private static void checkStock(ImageMask mask, List<String> prefixes) {
    List<String> stored =
        prefixes.stream().filter(p -> golden.stock.has(p + "/generated")).toList();
    GoldenFolder.assume(!stored.isEmpty(), "stock.safetensors has none of " + prefixes);
    PruningPolicy policy = PruningPolicy.OFF.toBuilder().imageMask(mask).build();
    try (PrunedVolume v = golden.encode(golden.volume("run"), policy)) {
      Prompt prompt = golden.prompt("run");
      PrunedPrompt pruned = golden.pruned("run", v);
      assertEquals(prompt.length(), pruned.length());
      assertEquals(new PruningReport.Rates(1, 1, 1), v.report().rates());
      Decoded decoded =
          decode(v, pruned, golden.stock.ints(stored.getFirst() + "/generated").length);
      for (String prefix : stored) {
        compareRows(
            prefix,
            golden.stock,
            prefix,
            golden.expected.ints("run/U/prefill_rows"),
            decoded.prefill,
            LOGITS);
        compareDecoded(prefix, golden.stock, decoded);
      }
    }
  }

  /** B4: nothing of a pruned request reaches the next one. */
  @Test
  void b4ATextOnlyRequestAfterAPrunedOneIsUnaffected() {
    JsonNode fact = golden.facts().get("bug/stale_filtered_seq_len");
    GoldenFolder.assume(fact != null, "manifest has no fact bug/stale_filtered_seq_len");
    int length = fact.get("text_prompt_len").intValue();
    int[] ids = new int[length];
    for (int i = 0; i < length; i++) {
      ids[i] = i == 0 ? 2 : 3 + (i * 7) % 250;
    }
    PrunedPrompt text =
        PrunedPrompt.of(
            new Prompt(ids, fill(length), new boolean[length]),
            Selection.all(0, golden.family.config().tokensPerImage()),
            true,
            PromptPositions.counting(1, length),
            true);
    Function<Integer, List<Integer>> ask = steps -> generate(text, steps);
    List<Integer> fresh = ask.apply(8);
    try (PrunedVolume v = golden.encode(golden.volume("run"), golden.policy("P90"))) {
      golden.pipeline.generate(v, golden.prompt("run"), 3, false, org.medpruner.vlm.Progress.NONE);
    }
    assertEquals(fresh, ask.apply(8));
    assertTrue(length > golden.expected.shape("run/P30/kept_prompt_positions")[0]);
  }

  private static int[] fill(int length) {
    int[] slice = new int[length];
    Arrays.fill(slice, -1);
    return slice;
  }

  private static List<Integer> generate(PrunedPrompt prompt, int steps) {
    List<Integer> ids = new ArrayList<>();
    try (PointerScope scope = new PointerScope();
        Session session = new Session(golden.family.decoder(), prompt)) {
      PackedTokens none = new PackedTokens(Ops.empty(Ops.F32, false, 0, 1), List.of());
      Tensor state = session.prefill(none);
      for (int i = 0; i < steps; i++) {
        ids.add((int) session.logits(state, 1).argmax().item_long());
        assertEquals(prompt.length() + i, session.nextPosition());
        state = session.step(ids.getLast());
      }
    }
    return ids;
  }
}
