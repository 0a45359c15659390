package org.medpruner.eval.report;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.TestData;
import org.medpruner.volume.SliceImages;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * A report that was written, and what its files hold.
 *
 * @param folder of the files
 */
record WrittenReport(Path folder) {
  static final List<String> FILES =
      List.of(
          EvaluationReport.PAGE,
          EvaluationReport.CSV,
          EvaluationReport.CHANGES,
          EvaluationReport.MARKDOWN);

  /** Writes the report of a run without pictures, and reads its page. */
  Document page(Run run) throws Exception {
    return page(run, WrittenReport::blank);
  }

  /** Writes the report of a run, and reads its page. */
  Document page(Run run, Function<Sample, @Nullable SliceImages> pictures) throws Exception {
    EvaluationReport.of(run).write(folder, pictures);
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    String html = text(EvaluationReport.PAGE);
    return factory
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(html.getBytes(StandardCharsets.UTF_8)));
  }

  /** No pictures of any sample. */
  static @Nullable SliceImages blank(Sample s) {
    return null;
  }

  String text(String name) throws IOException {
    return Files.readString(folder.resolve(name));
  }

  /** Cells of results.csv by "setting|kind|category|column". */
  Map<String, String> csv() {
    return TestData.results(folder.resolve(EvaluationReport.CSV));
  }

  /** Lines of changes.csv. */
  List<CSVRecord> changes() {
    return TestData.csv(folder.resolve(EvaluationReport.CHANGES));
  }

  /** All elements of a name, "*" for any. */
  static List<Element> elements(Document page, String tag) {
    NodeList list = page.getElementsByTagName(tag);
    List<Element> all = new ArrayList<>();
    for (int i = 0; i < list.getLength(); i++) {
      all.add((Element) list.item(i));
    }
    return all;
  }
}
