package org.medpruner.eval;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.TestData.refusal;
import static org.medpruner.eval.TestData.text;

import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.eval.benchmark.SampleVolume;
import org.medpruner.eval.report.EvaluationReport;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.SliceImages;

/** Whole runs of a miniature of M3D with the demo model: two volumes, five questions. */
class EvaluationTest {
  private static final Setting PAPER = Setting.of(PruningPolicy.PAPER);

  @TempDir Path folder;

  @BeforeEach
  void data() {
    // The third slice equals the second: paper drops it.
    int[][] levels = {{0, 200, 200}, {250, 250}};
    StringBuilder json = new StringBuilder();
    for (int v = 0; v < levels.length; v++) {
      for (int i = 0; i < levels[v].length; i++) {
        TestData.picture(folder.resolve("data/v" + v + "/" + (100 + i) + ".png"), 16, levels[v][i]);
      }
    }
    for (int q = 0; q < 5; q++) {
      json.append(q == 0 ? "[" : ",")
          .append("{\"video\": [\"v" + (q < 3 ? 0 : 1) + "\"], \"conversations\": [")
          .append("{\"value\": \"<video>\\nIs there a lesion in slice " + q + "?\"},")
          .append("{\"value\": \"no\"}], \"type\": 4}");
    }
    text(folder.resolve("data/M3D_test.json"), json + "]");
  }

  private Path out() {
    return folder.resolve("out");
  }

  private TestData.Plan plan(Setting... settings) {
    return planOf("data", settings);
  }

  private TestData.Plan planOf(String data, Setting... settings) {
    return new TestData.Plan(Benchmark.M3D, folder.resolve(data), out()).settings(settings);
  }

  private static Run run(TestData.Plan plan) {
    return run(plan, Evaluation.Listener.NONE);
  }

  private static Run run(TestData.Plan plan, Evaluation.Listener listener) {
    return Evaluation.run(plan.build(), Progress.NONE, listener);
  }

  /** Answers and errors by setting and sample. */
  private static Map<String, String> answers(Run run) {
    Map<String, String> all = new TreeMap<>();
    for (Setting s : run.settings()) {
      run.results(s).forEach(r -> all.put(s.name() + " " + r.sample(), r.answer() + r.error()));
    }
    return all;
  }

  private List<String> lines() throws IOException {
    return Files.readAllLines(out().resolve(RunFiles.RESULTS));
  }

  @Test
  void everySampleIsAnsweredUnderEverySetting() throws IOException {
    List<String> progress = new ArrayList<>();
    Run run = run(plan(Setting.OFF, PAPER), (r, done, total) -> progress.add(done + "/" + total));
    assertTrue(run.complete());
    assertEquals(0, run.failures());
    assertEquals(10, lines().size());
    assertEquals(11, progress.size());
    assertEquals("0/10", progress.getFirst());
    assertEquals("10/10", progress.getLast());
    for (Sample s : run.samples()) {
      SampleResult off = result(run, Setting.OFF, s);
      SampleResult paper = result(run, PAPER, s);
      boolean first = s.volume().equals("v0");
      assertEquals(first ? 3 : 2, off.slices());
      assertEquals(first ? List.of(0, 1, 2) : List.of(0, 1), off.keptSlices());
      assertEquals(first ? List.of(0, 1) : List.of(0), paper.keptSlices());
      assertEquals(64L * off.slices(), off.visualTokens());
      assertEquals(off.visualTokens(), off.keptVisualTokens());
      assertEquals(1, off.rates().overall());
      assertEquals(off.promptTokens(), off.unprunedPromptTokens());
      assertEquals(
          paper.keptVisualTokens() / (double) paper.visualTokens(), paper.rates().overall(), 1e-12);
      assertTrue(paper.keptVisualTokens() < paper.visualTokens());
      assertEquals((first ? 2 / 3.0 : 0.5), paper.rates().slice(), 1e-12);
      assertEquals(off.promptTokens(), paper.unprunedPromptTokens());
      assertTrue(paper.promptTokens() < off.promptTokens());
      assertTrue(paper.kvBytes() < off.kvBytes());
      assertTrue(off.seconds().encode() > 0 && off.seconds().prefill() > 0);
      assertEquals(first ? 3 : 2, off.sharedBy());
      assertEquals(off.volumeSha256(), paper.volumeSha256());
      assertTrue(off.generatedTokens() >= 1 && off.generatedTokens() <= 3);
      assertTrue(off.peakMemoryBytes() == -1 || off.peakMemoryBytes() > 1 << 20);
    }
    // Nothing is left to do: the same command changes nothing.
    List<String> before = lines();
    run(plan(Setting.OFF, PAPER));
    assertEquals(before, lines());
  }

  private static SampleResult result(Run run, Setting setting, Sample sample) {
    SampleResult r = run.result(setting, sample.id());
    assertNotNull(r);
    assertFalse(r.failed(), () -> String.valueOf(r.error()));
    return r;
  }

  @Test
  void aRunGoesOnBehindEveryTear() throws IOException {
    Run whole = run(plan(Setting.OFF, PAPER));
    byte[] bytes = Files.readAllBytes(out().resolve(RunFiles.RESULTS));
    List<String> lines = lines();
    for (int kept : new int[] {0, 1, 4, 7, 9}) {
      int end =
          lines.subList(0, kept).stream()
              .mapToInt(l -> l.getBytes(StandardCharsets.UTF_8).length + 1)
              .sum();
      byte[] torn = Arrays.copyOf(bytes, Math.min(bytes.length - 1, end + 17 * kept));
      Files.write(out().resolve(RunFiles.RESULTS), torn);
      Run again = run(plan(Setting.OFF, PAPER));
      assertEquals(10, lines().size());
      assertEquals(lines.subList(0, kept), lines().subList(0, kept));
      assertEquals(answers(whole), answers(again));
    }
  }

  @Test
  void aBadSampleIsKeptWithItsErrorAndTheRunGoesOn() throws IOException {
    Files.write(folder.resolve("data/v0/101.png"), new byte[] {1, 2, 3});
    Run run = run(plan(Setting.OFF, PAPER));
    assertTrue(run.complete());
    assertEquals(6, run.failures());
    for (Sample s : run.samples()) {
      SampleResult r = run.result(PAPER, s.id());
      assertNotNull(r);
      assertEquals(s.volume().equals("v0"), r.failed());
      if (r.failed()) {
        assertTrue(String.valueOf(r.error()).contains("101.png: cannot be read"), r.error());
      }
    }
    // It stays so: nothing is asked twice.
    run(plan(Setting.OFF, PAPER));
    assertEquals(10, lines().size());
  }

  @Test
  void aSampleWithoutAQuestionOrAnAnswerFailsAlone() throws IOException {
    Path json = folder.resolve("data/M3D_test.json");
    String text = Files.readString(json).replace("Is there a lesion in slice 1?", "");
    int last = text.lastIndexOf("\"no\"");
    text(json, text.substring(0, last) + "\"\"" + text.substring(last + 4));
    Run run = run(plan(Setting.OFF, PAPER));
    assertTrue(run.complete());
    assertEquals(4, run.failures());
    for (Setting s : List.of(Setting.OFF, PAPER)) {
      SampleResult question = run.result(s, "m3d-000001");
      SampleResult answer = run.result(s, "m3d-000004");
      assertNotNull(question);
      assertNotNull(answer);
      assertEquals("the benchmark's file has no question here", question.error());
      assertEquals("the benchmark's file has no answer here", answer.error());
    }
  }

  /** Both of v1's questions: one has no answer, the other's entry is bad. */
  @Test
  void aVolumeThatNothingIsAskedAboutIsNotRead() throws IOException {
    Path json = folder.resolve("data/M3D_test.json");
    String text = Files.readString(json);
    int third =
        text.indexOf("}], \"type\": 4", text.indexOf("slice 3")) + "}], \"type\": ".length();
    text = text.substring(0, third) + "9" + text.substring(third + 1);
    int last = text.lastIndexOf("\"no\"");
    text(json, text.substring(0, last) + "\"\"" + text.substring(last + 4));
    Run run = run(plan(Setting.OFF, PAPER));
    assertTrue(run.complete());
    assertEquals(4, run.failures());
    for (Setting s : run.settings()) {
      SampleResult entry = run.result(s, "m3d-000003");
      SampleResult answer = run.result(s, "m3d-000004");
      assertNotNull(entry);
      assertNotNull(answer);
      assertEquals("M3D_test.json: entry 3 (from 0): type: 9 is not 1 to 5", entry.error());
      assertEquals("the benchmark's file has no answer here", answer.error());
      assertEquals("", answer.volumeSha256());
    }
    // The folder is gone on with from where the data lie now.
    Files.move(folder.resolve("data"), folder.resolve("moved"));
    run(planOf("moved", Setting.OFF, PAPER));
    assertEquals(10, lines().size());
  }

  @Test
  void aQuestionThatDoesNotFitFailsAlone() throws IOException {
    Path json = folder.resolve("data/M3D_test.json");
    text(json, Files.readString(json).replace("slice 1", "slice " + "one ".repeat(9000)));
    Run run = run(plan(Setting.OFF));
    assertEquals(1, run.failures());
    SampleResult r = run.result(Setting.OFF, "m3d-000001");
    assertTrue(r != null && r.failed() && r.error() != null && r.error().contains("context"));
    assertFalse(r.volumeSha256().isEmpty());
  }

  @Test
  void aLimitTakesWholeVolumes() {
    Run run = run(plan(Setting.OFF).limit(2));
    assertEquals(2, run.samples().size());
    assertEquals(1, run.samples().stream().map(Sample::volume).distinct().count());
    assertEquals(5, run.header().selection().available());
  }

  @Test
  void anotherRunIsRefused() throws IOException {
    run(plan(Setting.OFF, PAPER));
    List<String> before = lines();
    refused("list of settings", plan(Setting.OFF));
    refused(
        "setting paper: name is paper+, the run began with paper and tau is 0.5, the run began with"
            + " 0.9; name another --out, or delete it",
        plan(Setting.OFF, new Setting("paper", "paper", PruningPolicy.PAPER.withTau(0.5))));
    refused("limit: 0 there, 4 now", plan(Setting.OFF, PAPER).limit(4));
    refused(
        "generation: maxNewTokens is 4, the run began with 3 and "
            + "layout is reference, the run began with google; name",
        plan(Setting.OFF, PAPER).generation(4, PromptLayout.REFERENCE));
    refused("number of images", plan(Setting.OFF, PAPER).maxImages(9));
    refused("version of medpruner", plan(Setting.OFF, PAPER).version("2"));
    Path json = folder.resolve("data/M3D_test.json");
    String text = Files.readString(json);
    text(json, text + "\n");
    refused("annotation file", plan(Setting.OFF, PAPER));
    text(json, text);
    TestData.picture(folder.resolve("data/v1/200.png"), 16, 3);
    refused("volumes (names and sizes", plan(Setting.OFF, PAPER));
    Files.delete(folder.resolve("data/v1/200.png"));
    Path model = copyOfModel();
    text(model.resolve("generation_config.json"), "{\"max_new_tokens\": 7}");
    refused("model (SHA-256", plan(Setting.OFF, PAPER).model(model));
    assertEquals(before, lines());
    run(plan(Setting.OFF, PAPER));
  }

  private Path copyOfModel() throws IOException {
    Path copy = Files.createDirectory(folder.resolve("model"));
    try (var files = Files.list(TestData.demoModel())) {
      for (Path f : files.filter(Files::isRegularFile).toList()) {
        Files.copy(f, copy.resolve(f.getFileName()));
      }
    }
    return copy;
  }

  private void refused(String what, TestData.Plan plan) {
    String message = refusal(() -> run(plan));
    assertTrue(message.startsWith(out() + ": holds a run with another " + what), message);
  }

  @Test
  void aVolumeThatChangedInTheMiddleIsRefused() throws IOException {
    run(plan(Setting.OFF, PAPER));
    List<String> lines = lines();
    Files.writeString(out().resolve(RunFiles.RESULTS), lines.get(0) + "\n");
    repaint(folder.resolve("data/v0/101.png"));
    String message = refusal(() -> run(plan(Setting.OFF, PAPER)));
    assertTrue(message.contains("v0: has changed since the run began"), message);
    assertEquals(1, lines().size());
  }

  /** Another picture of the same size, so that only its bytes tell. */
  private static void repaint(Path file) throws IOException {
    long size = Files.size(file);
    int level = 201;
    do {
      TestData.picture(file, 16, level++);
    } while (Files.size(file) != size && level < 256);
    assertEquals(size, Files.size(file));
  }

  /** Of a volume whose questions are all answered the time stamp tells that it must be read. */
  @Test
  void aVolumeThatChangedBehindItsAnswersIsRefused() throws IOException {
    TestData.Plan plan = plan(Setting.OFF, PAPER);
    Run whole = run(plan);
    Path file = folder.resolve("data/v0/101.png");
    byte[] bytes = Files.readAllBytes(file);
    FileTime later = FileTime.from(Instant.parse(whole.header().created()).plusSeconds(60));
    Files.setLastModifiedTime(file, later);
    run(plan);
    repaint(file);
    Files.setLastModifiedTime(file, later);
    String message = refusal(() -> run(plan));
    assertTrue(message.contains("v0: has changed since the run began (SHA-256 "), message);
    Files.write(file, new byte[bytes.length]);
    Files.setLastModifiedTime(file, later);
    message = refusal(() -> run(plan));
    assertTrue(
        message.contains("v0: has changed since the run began (it cannot be read: "), message);
    Files.write(file, bytes);
    Files.setLastModifiedTime(file, later);
    assertEquals(answers(whole), answers(run(plan)));
  }

  @Test
  void howAVolumeWasShownIsKeptWithItsAnswersAndSaid() throws IOException {
    TestData.picture(folder.resolve("data/v1/99.png"), 16, 7);
    Run run = run(plan(Setting.OFF, PAPER));
    for (Setting setting : run.settings()) {
      for (Sample s : run.samples()) {
        SampleResult r = result(run, setting, s);
        assertEquals("ready-made 8-bit pictures", r.recipe());
        assertEquals(s.volume().equals("v1") ? 1 : 0, r.volumeWarnings().size());
      }
    }
    EvaluationReport.of(run).write(out());
    String page = Files.readString(out().resolve(EvaluationReport.MARKDOWN));
    assertTrue(page.contains("1 volumes were read with warnings"), page);
    assertFalse(page.contains("99.png"), page);
  }

  /** A report is longer than the 300 tokens that a checkpoint without a length is given. */
  @Test
  void reportsMayBeLongerThanShortAnswers() throws IOException {
    Path checkpoint = Files.createDirectory(folder.resolve("checkpoint"));
    EvaluationPlan own = lengths(checkpoint, 0);
    assertEquals(List.of(0, 0, 1024), asked(own));
    text(checkpoint.resolve("generation_config.json"), "{\"max_new_tokens\": 256}");
    assertEquals(List.of(0, 0, 0), asked(own));
    Files.delete(checkpoint.resolve("generation_config.json"));
    assertEquals(List.of(5, 5, 5), asked(lengths(checkpoint, 5)));
  }

  private EvaluationPlan lengths(Path checkpoint, int maxNewTokens) {
    return plan(Setting.OFF)
        .model(checkpoint)
        .generation(maxNewTokens, PromptLayout.REFERENCE)
        .build();
  }

  /** All reports of a run have the length that its checkpoint said when it began. */
  @Test
  void aLengthThatChangesInTheMiddleIsNotTaken() throws IOException {
    Path data = folder.resolve("amos");
    TestData.picture(data.resolve("v/1.png"), 16, 0);
    TestData.picture(data.resolve("v/2.png"), 16, 200);
    TestData.json(
        data.resolve("amos_val_mrg_sft.json"),
        TestData.entry("v", "<video>\\nWrite.", "Findings: no lesion.", ""));
    Path model = copyOfModel();
    Path file = model.resolve("generation_config.json");
    // Padding is never said: no answer ends before its length.
    text(file, "{\"max_new_tokens\": 2, \"eos_token_id\": 0}");
    TestData.Plan plan =
        new TestData.Plan(Benchmark.AMOS, data, out())
            .settings(Setting.OFF, PAPER)
            .model(model)
            .generation(0, PromptLayout.GOOGLE);
    Run run = run(plan, (r, done, total) -> text(file, "{}"));
    assertEquals(2, run.done());
    for (Sample s : run.samples()) {
      assertEquals("length", result(run, Setting.OFF, s).ending());
      assertEquals(2, result(run, PAPER, s).generatedTokens());
    }
  }

  /** What the model is asked for, a question of each kind. */
  private static List<Integer> asked(EvaluationPlan plan) {
    List<Integer> lengths = new ArrayList<>();
    EncodedVolume encoded = proxy(EncodedVolume.class, (proxy, method, arguments) -> null);
    VisionLanguageModel model =
        proxy(
            VisionLanguageModel.class,
            (proxy, method, arguments) -> {
              if (method.getName().equals("encode")) {
                return encoded;
              }
              GenerationOptions options =
                  Arrays.stream(arguments)
                      .filter(GenerationOptions.class::isInstance)
                      .map(GenerationOptions.class::cast)
                      .findFirst()
                      .orElseThrow(() -> new AssertionError(method + " has no options"));
              assertEquals(PromptLayout.REFERENCE, options.layout());
              lengths.add(options.maxNewTokens());
              throw new IllegalArgumentException("asked");
            });
    List<Sample> samples = new ArrayList<>();
    for (Sample.Kind kind : Sample.Kind.values()) {
      samples.add(new Sample("s" + samples.size(), "v0", "c", kind, "Why?", "no", Map.of()));
    }
    List<String> errors = new ArrayList<>();
    new VolumeQuestions(plan, plan.reportGeneration(), model, samples.getFirst())
        .ask(Setting.OFF, samples, r -> errors.add(String.valueOf(r.error())));
    assertEquals(List.of("asked", "asked", "asked"), errors);
    return lengths;
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  @Test
  void samplesThatChangedInTheFolderAreRefused() throws IOException {
    run(plan(Setting.OFF));
    Path file = out().resolve(RunFiles.SAMPLES);
    String text = Files.readString(file);
    // The second is what a power failure may leave.
    for (String other : List.of(text.replace("\"no\"", "\"yes\""), "")) {
      text(file, other);
      String message = refusal(() -> run(plan(Setting.OFF)));
      assertTrue(message.startsWith(file + ": is not what the run began with"), message);
    }
    text(file, text);
    run(plan(Setting.OFF));
  }

  @Test
  void twoRunsDoNotWriteIntoOneFolder() {
    try (RunFolder held = RunFolder.lock(out())) {
      String message = refusal(() -> run(plan(Setting.OFF)));
      assertTrue(message.contains("another evaluation is writing into it"), message);
      assertFalse(held.begun());
    }
  }

  @Test
  void dataWithoutItsVolumesIsRefused() throws IOException {
    Path json = folder.resolve("data/M3D_test.json");
    text(json, Files.readString(json).replace("[\"v", "[\"missing"));
    String message = refusal(() -> run(plan(Setting.OFF)));
    assertTrue(message.contains("none of the 2 volumes is there with any file"), message);
  }

  /** The interrupt may come with an answer's last token: the answer is whole, and kept. */
  @Test
  void anInterruptedThreadStillKeepsItsAnswer() throws IOException {
    Run run = run(plan(Setting.OFF));
    SampleResult last = List.copyOf(run.results(Setting.OFF)).getLast();
    List<String> before = lines();
    text(out().resolve(RunFiles.RESULTS), String.join("\n", before.subList(0, 4)) + "\n{\"torn");
    try (RunFolder held = RunFolder.lock(out())) {
      held.openResults();
      Thread.currentThread().interrupt();
      held.append(last);
      assertTrue(Thread.interrupted());
    }
    assertEquals(before, lines());
  }

  /** What fails on an interrupted thread may have failed by the interrupt: it is asked again. */
  @Test
  void anInterruptFailsNoSample() throws IOException {
    Files.write(folder.resolve("data/v0/101.png"), new byte[] {1, 2, 3});
    Evaluation.Listener stop =
        (@Nullable SampleResult r, int done, int total) -> {
          if (r == null) {
            Thread.currentThread().interrupt();
          }
        };
    Run none = run(plan(Setting.OFF), stop);
    assertTrue(Thread.interrupted());
    assertEquals(0, none.done());
    Run all = run(plan(Setting.OFF));
    assertTrue(all.complete());
    assertEquals(3, all.failures());
  }

  /** The samples have errors of their own; a warm-up that ends the run would end every next one. */
  @Test
  void aWarmUpWithoutMemoryIsLeftOut() {
    VisionLanguageModel full =
        proxy(
            VisionLanguageModel.class,
            (proxy, method, arguments) -> {
              throw new OutOfMemoryError("Java heap space");
            });
    EvaluationPlan plan = plan(Setting.OFF).build();
    Sample sample = Benchmark.M3D.load(plan.data()).samples().getFirst();
    SliceImages images = SampleVolume.read(plan.data(), sample, 85).images();
    assertDoesNotThrow(() -> Evaluation.warmUp(plan, full, images, sample));
  }

  @Test
  void anInterruptEndsTheRunAndItGoesOn() throws IOException {
    Evaluation.Listener stop =
        (@Nullable SampleResult r, int done, int total) -> {
          if (done == 4) {
            Thread.currentThread().interrupt();
          }
        };
    Run part = run(plan(Setting.OFF, PAPER), stop);
    assertTrue(Thread.interrupted());
    assertFalse(part.complete());
    assertEquals(4, part.done());
    assertTrue(run(plan(Setting.OFF, PAPER)).complete());
    assertEquals(10, lines().size());
  }
}
