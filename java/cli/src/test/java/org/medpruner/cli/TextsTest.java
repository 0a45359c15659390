package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.Rates;
import org.medpruner.PruningReport.Savings;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.PeakMemory;
import org.medpruner.vlm.NonFiniteLogitsException;
import org.medpruner.volume.VolumeException;

/** What people read: the table, the comparison, progress and failures. */
class TextsTest {
  @Test
  void summary() {
    Map<String, Double> timings = new LinkedHashMap<>();
    timings.put("read", .25);
    timings.put("encode", 1.5);
    PruningReport report =
        new PruningReport(
            PruningPolicy.PAPER,
            List.of(
                new SliceReport(0, 0, 0, true, 0, 0, 10, .9, 3, 13, null),
                new SliceReport(1, 1, 1, false, .01, 0, 0, Double.NaN, 0, 0, null)),
            64,
            new Rates(.5, 13 / 64.0, 13 / 128.0),
            new Savings(120, 2_621_440, 1),
            timings,
            List.of("a\nnote"));
    assertEquals(
        """
        policy          paper
        slices kept     1 of 2 (50.0 %)
        tokens kept     13 of 128 (10.2 %)
        prefill saved   120 of 160 (75.0 %)
        KV cache saved  2.5 MiB
        seconds         read 0.25  encode 1.50
        peak memory     1.0 GiB
        note            a; note
        """,
        Summary.text(report, 160, 1L << 30));
    assertFalse(Summary.text(report, 0, -1).contains("prefill"));
    assertEquals("512 B", Summary.bytes(512));
    assertEquals("-", Summary.bytes(-1));
  }

  @Test
  void comparison() {
    Map<String, Double> timings = Map.of("read", 5.0, "load", 7.0, "encode", 1.0, "decode", .5);
    assertEquals(1.5, Comparison.seconds(timings));
    Comparison.Run off = new Comparison.Run("off", "liver", 3, 1536, 1828, 4 << 20, 3L << 20);
    Comparison.Run paper = new Comparison.Run("paper", "spleen", 1.5, 512, 914, 1 << 20, -1);
    assertEquals(
        """
        off    liver
        paper  spleen

                                   off         paper     ratio
        seconds                   3.00          1.50    2.00 x
        visual tokens            1,536           512    3.00 x
        prefill tokens           1,828           914    2.00 x
        KV cache               4.0 MiB       1.0 MiB    4.00 x
        peak memory            3.0 MiB             -         -
        """,
        Comparison.text(off, paper));
  }

  @Test
  void failures() {
    assertTrue(Failures.isUsers(new InputException("x")));
    assertTrue(Failures.isUsers(new VolumeException("x")));
    assertTrue(Failures.isUsers(new IllegalArgumentException("x")));
    assertFalse(Failures.isUsers(new IllegalStateException("x")));
    assertTrue(Failures.isUsers(new NonFiniteLogitsException("x")));
    String nan = Failures.message(new NonFiniteLogitsException("the model's logit is NaN"));
    assertTrue(nan.startsWith("the model's logit is NaN; ") && nan.endsWith("--dtype f32"), nan);
    assertEquals("a; b", Failures.message(new InputException("a\r\n  b\n")));
    String internal = Failures.message(new IllegalStateException("two\nlines"));
    assertTrue(internal.startsWith("internal error: ") && internal.contains("--stacktrace"));
    assertEquals(1, internal.lines().count());
    assertFalse(internal.contains("lines"), internal);
    assertTrue(Failures.message(new OutOfMemoryError()).contains("-Xmx"));
  }

  @Test
  void plainProgressSaysEachStageOnce() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PlainProgress progress = new PlainProgress(new PrintStream(bytes));
    progress.update("encode", 0, 24);
    progress.update("encode", 12, 24);
    progress.update("decode", 0, 300);
    assertEquals(
        "stage encode (24)\nstage decode (300)\n",
        bytes.toString(StandardCharsets.UTF_8).replace("\r", ""));
  }

  @Test
  void barsEndWithTheirStages() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TerminalProgress bars = new TerminalProgress(new PrintStream(bytes))) {
      bars.update("encode", 3, 24);
      bars.update("decode", 1, 300);
    }
    String text = bytes.toString(StandardCharsets.UTF_8);
    assertTrue(text.contains("encode") && text.contains("decode"), text);
  }

  /** At least what the heap takes; known on Linux. */
  @Test
  void peakMemory() {
    long peak = PeakMemory.bytes();
    Runtime runtime = Runtime.getRuntime();
    assertTrue(peak == -1 || peak > (runtime.totalMemory() - runtime.freeMemory()) / 2);
  }
}
