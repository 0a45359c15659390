package org.medpruner.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.Test;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.Setting;
import org.medpruner.eval.TestData;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.metrics.Meteor;
import org.medpruner.eval.metrics.Scorer;

/** The curve of the committed run over gamma and tau: 61 settings, many in the same place. */
class RetentionChartTest {
  private static final Pattern MARK =
      Pattern.compile("<line class=\"bar\" x1=\"([\\d.]+)\"[^>]*/><path d=\"M[\\d.]+ ([\\d.]+)");
  private static final Pattern NUMBER =
      Pattern.compile("<text class=\"ax ?(|mid|end)\" x=\"([\\d.]+)\" y=\"([\\d.]+)\">(\\d+)<");

  private static String chart() throws Exception {
    Path surface =
        TestData.demoModel().resolve("../../bench/results/phantom/surface.csv").normalize();
    List<Setting> settings = new ArrayList<>();
    Figures figures = new Figures();
    for (CSVRecord r : TestData.csv(surface)) {
      String kind = r.get("kind");
      if (!r.get("category").equals(Figures.ALL)) {
        continue;
      }
      if (kind.equals(Figures.ANY)) {
        settings.add(new Setting(r.get("setting"), r.get("preset"), PruningPolicy.PAPER));
        put(figures.costs(settings.getLast()), r, Columns.OVERALL_RATE);
      } else {
        Figures.Row row = figures.all(settings.getLast(), Kind.CLOSED);
        put(row, r, Columns.QUALITY);
        put(row, r, Columns.QUALITY_LOW);
        put(row, r, Columns.QUALITY_HIGH);
      }
    }
    assertEquals(61, settings.size());
    Run run = RunScenes.run(settings, RunScenes.samples(1, Kind.CLOSED), List.of());
    Scores scores = new Scores(run, new Scorer(Meteor.withWordNet()));
    Html h = new Html();
    RetentionChart.write(h, new Report(run, scores, figures, List.of()));
    return h.toString();
  }

  private static void put(Figures.Row row, CSVRecord r, String column) {
    row.put(column, Double.parseDouble(r.get(column)));
  }

  /** A number's text, in bold DejaVu Sans of 12 px: digits 8.35 px wide and 8.75 px high. */
  private record Text(String number, double left, double right, double baseline) {
    boolean meets(Text o) {
      return left < o.right && o.left < right && Math.abs(baseline - o.baseline) < 8.75;
    }
  }

  private static List<Text> texts(String svg) {
    List<Text> texts = new ArrayList<>();
    for (Matcher m = NUMBER.matcher(svg); m.find(); ) {
      double width = 8.35 * m.group(4).length();
      double x = Double.parseDouble(m.group(2));
      String anchor = m.group(1);
      double left = x - (anchor.equals("end") ? width : anchor.equals("mid") ? width / 2 : 0);
      texts.add(new Text(m.group(4), left, left + width, Double.parseDouble(m.group(3))));
    }
    return texts;
  }

  @Test
  void noNumberLiesOnAnotherOrOnAMark() throws Exception {
    String svg = chart();
    svg = svg.substring(svg.indexOf("class=\"frontier\""));
    List<Text> texts = texts(svg);
    assertTrue(texts.size() >= 15, texts.size() + " numbers");
    for (int i = 0; i < texts.size(); i++) {
      for (Text other : texts.subList(i + 1, texts.size())) {
        assertFalse(texts.get(i).meets(other), texts.get(i) + " lies on " + other);
      }
    }
    int marks = 0;
    for (Matcher m = MARK.matcher(svg); m.find(); marks++) {
      double x = Double.parseDouble(m.group(1));
      // The path begins at the shape's top, 5 to 7 px above its middle.
      double y = Double.parseDouble(m.group(2)) + 6;
      for (Text t : texts) {
        boolean on =
            t.left < x + 5 && x - 5 < t.right && t.baseline - 8.75 < y + 4 && y - 4 < t.baseline;
        assertFalse(on, t + " lies on the mark at " + x + ", " + y);
      }
    }
    assertEquals(61, marks);
  }
}
