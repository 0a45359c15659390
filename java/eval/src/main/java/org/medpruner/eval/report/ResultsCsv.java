package org.medpruner.eval.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.html.Numbers;

/** {@code results.csv}: a line for every setting, kind of question and category. */
final class ResultsCsv {
  private static final List<String> KEYS =
      List.of("setting", "preset", "gamma", "tau", "kind", "category");

  private ResultsCsv() {}

  static String render(Report r) {
    Set<String> columns = r.figures().columns();
    StringBuilder out = new StringBuilder();
    try (CSVPrinter csv = new CSVPrinter(out, CSVFormat.RFC4180)) {
      List<String> head = new ArrayList<>(KEYS);
      head.addAll(columns);
      csv.printRecord(head);
      for (Figures.Row row : r.figures().rows()) {
        PruningPolicy p = row.setting().policy();
        List<String> line = new ArrayList<>();
        line.add(row.key().setting());
        line.add(row.setting().preset());
        line.add(p.sliceAnchoring() ? Numbers.plain(p.gamma()) : "");
        line.add(p.tokenPruning() ? Numbers.plain(p.tau()) : "");
        line.add(row.key().kind());
        line.add(row.key().category());
        columns.forEach(c -> line.add(row.has(c) ? Columns.plain(row.get(c)) : ""));
        csv.printRecord(line);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("a text in memory cannot be written", e);
    }
    return out.toString();
  }
}
