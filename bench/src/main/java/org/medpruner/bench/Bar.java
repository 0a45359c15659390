package org.medpruner.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * A bar of {@code bench/bars.json}: a limit for one metric of one row.
 *
 * @param id short and stable
 * @param backend "cpu" or "cuda"
 * @param op of the row
 * @param name case of the row
 * @param metric "percent_of_ceiling", "ratio", "seconds", "seconds_over" or "workspace_bytes"
 * @param over the baseline that ratio and seconds_over refer to; null for the others
 * @param sense "at_least" or "at_most"
 * @param limit in the metric's unit
 * @param text for people
 * @param reasonDevice the CPU or GPU that {@code reason} is about, as results name it; null without
 *     one
 * @param reason why the committed results miss it, in one clause; null where they do not
 */
record Bar(
    String id,
    String backend,
    String op,
    @JsonProperty("case") String name,
    String metric,
    @Nullable String over,
    String sense,
    double limit,
    String text,
    @Nullable String reasonDevice,
    @Nullable String reason) {

  static List<Bar> read(Path file) throws IOException {
    return ResultsFile.json().readValue(file.toFile(), new TypeReference<List<Bar>>() {});
  }

  boolean concerns(Report.Row row) {
    return backend.equals(row.backend()) && op.equals(row.op()) && name.equals(row.name());
  }

  /** The row's figure in the bar's metric, if it has one. */
  OptionalDouble figure(Report.Row row) {
    return switch (metric) {
      case "percent_of_ceiling" -> {
        Report.Share share = row.ceiling();
        yield share == null ? OptionalDouble.empty() : OptionalDouble.of(share.percent());
      }
      case "seconds" -> OptionalDouble.of(row.seconds().median());
      case "workspace_bytes" -> {
        Report.Memory memory = row.memory();
        yield memory == null ? OptionalDouble.empty() : OptionalDouble.of(memory.workspaceBytes());
      }
      case "ratio" -> baseline(row).mapToDouble(Report.Baseline::ratio).findFirst();
      case "seconds_over" ->
          baseline(row).mapToDouble(b -> row.seconds().median() - b.seconds().median()).findFirst();
      default -> throw new IllegalArgumentException("bars.json: metric \"" + metric + "\"");
    };
  }

  private java.util.stream.Stream<Report.Baseline> baseline(Report.Row row) {
    return row.baselines().stream().filter(b -> b.name().equals(over));
  }

  /** The verdict on a row that has the figure. */
  Report.Verdict judge(double figure) {
    boolean met = sense.equals("at_least") ? figure >= limit : figure <= limit;
    return new Report.Verdict(id, text, metric, over, limit, figure, met);
  }

  /**
   * What people read beside a figure: a missed bar says why, on the device that the reason was
   * found on. Of another nobody knows.
   */
  String judged(boolean met, String device) {
    return met ? "met" : device.equals(reasonDevice) ? "missed: " + reason : "missed";
  }

  /** A figure as people read it. */
  String show(double figure) {
    return switch (metric) {
      case "percent_of_ceiling" -> String.format("%.0f %%", figure);
      case "ratio" -> String.format("%.1f x", figure);
      case "workspace_bytes" -> String.format("%.1f MB", figure * 1e-6);
      default -> Times.show(figure);
    };
  }
}
