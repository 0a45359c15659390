package org.medpruner.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.torch.TorchRuntime;

/** What {@code ./medpruner bench} says of results that another machine made. */
class PrintedBarsTest {
  private static final String BAR =
      """
      {"id": "%s", "backend": "cuda", "op": "slice_anchor", "case": "u8 32x3x896x896", "metric": "seconds",
       "sense": "at_most", "limit": %s, "text": "%s",
       "reason_device": "a GPU", "reason": "told only where it is missed"}""";

  @Test
  void aMissedBarIsPrintedWithItsReason(@TempDir Path root) throws IOException {
    TorchRuntime.require();
    Path results = Files.createDirectories(root.resolve("bench/results"));
    Files.writeString(
        root.resolve("bench/bars.json"),
        "["
            + BAR.formatted("a", 1e-6, "a tight bar")
            + ","
            + BAR.formatted("b", 1, "a wide bar")
            + "]");
    Timing time = new Timing(5e-6, 4e-6, 6e-6, 5);
    Report.Row row =
        new Report.Row(
            "slice_anchor",
            "u8 32x3x896x896",
            "[32, 2408448]",
            "u8",
            "cuda",
            1,
            0,
            time,
            null,
            null,
            List.of(),
            Bar.read(root.resolve("bench/bars.json")).stream().map(b -> b.judge(5e-6)).toList(),
            "equal");
    report("2026-01-31T12:00:00Z", row).write(results.resolve("gpu.json"));
    // An earlier one of the same device, which no longer counts.
    report("2026-01-30T12:00:00Z", row).write(results.resolve("gpu-before.json"));

    PrintStream out = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      assertEquals(
          0, Bars.run(FailedCheckTest.setup(), root, Map.of(), "none", "", root.resolve("r.json")));
    } finally {
      System.setOut(out);
    }
    String text = printed.toString(StandardCharsets.UTF_8);
    assertTrue(
        text.lines()
            .anyMatch(
                line ->
                    line.startsWith("a tight bar ")
                        && line.endsWith(
                            "  missed: told only where it is missed  (a GPU, gpu.json)")),
        text);
    assertTrue(
        text.lines()
            .anyMatch(
                line ->
                    line.startsWith("a wide bar ") && line.endsWith("  met  (a GPU, gpu.json)")),
        text);
    assertFalse(text.contains("gpu-before.json"), text);
  }

  private static Report report(String made, Report.Row row) {
    return new Report(
        Report.FORMAT,
        "medpruner_bench",
        made,
        "medpruner_bench",
        new Report.Commit("unknown", false),
        new Report.Machine("a CPU", 2, "avx512", 2, 1, "an OS", "a compiler", null, null),
        new Report.Gpu("a GPU", "9.0", 132, 1, "580.1", "runtime 13.0"),
        List.of(),
        List.of(row));
  }
}
