package org.medpruner.eval.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.medpruner.eval.Sample;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;

/**
 * {@code changes.csv}: every answer that pruning changed, a line for each sample and setting, those
 * that lost most first, of which the page shows the first {@value ChangesSection#MOST} samples. A
 * sample is its line in {@code samples.jsonl}: an id may hold the path of a table. An empty report
 * scores 0. Slices are those kept, from 0 as presented.
 */
final class ChangesCsv {
  private static final List<String> HEAD =
      List.of(
          "sample",
          "kind",
          "category",
          "question",
          "gold",
          "off_answer",
          "off_score",
          "off_slices",
          "setting",
          "answer",
          "score",
          "slices",
          "of_slices");

  private ChangesCsv() {}

  static String render(Report r) {
    Map<String, Integer> numbers = r.numbers();
    StringBuilder out = new StringBuilder();
    try (CSVPrinter csv = new CSVPrinter(out, CSVFormat.RFC4180)) {
      csv.printRecord(HEAD);
      for (Changes c : r.changes()) {
        Sample s = c.sample();
        for (Changes.Other other : c.answers()) {
          for (Setting setting : other.settings()) {
            SampleResult result = r.run().result(setting, s.id());
            if (result != null) {
              csv.printRecord(
                  numbers.get(s.id()),
                  Figures.word(s.kind()),
                  s.category(),
                  s.prompt(),
                  s.gold(),
                  c.before().answer(),
                  Columns.plain(c.score()),
                  slices(c.before()),
                  setting.name(),
                  result.answer(),
                  Columns.plain(other.score()),
                  slices(result),
                  result.slices());
            }
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("a text in memory cannot be written", e);
    }
    return out.toString();
  }

  private static String slices(SampleResult r) {
    return r.keptSlices().stream().map(i -> Integer.toString(i)).collect(Collectors.joining(" "));
  }
}
