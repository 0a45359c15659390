package org.medpruner.cli.report;

import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.HtmlPage;

/** Renders a {@link ReportModel} as one HTML page that needs no other file and no network. */
public final class HtmlReport {
  private HtmlReport() {}

  /**
   * The page as a string, to be written as UTF-8. Equal input gives an equal page. It reads without
   * a script, prints, follows the reader's light or dark scheme and forbids itself any request by a
   * content security policy. Pictures are shrunk so that the page stays below 6 MB up to 600
   * slices.
   *
   * @param model what to show
   * @return a complete HTML document, well-formed as XML
   */
  public static String render(ReportModel model) {
    Page page = new Page(model);
    return HtmlPage.render(
        model.title() + " \u2013 MedPruner report",
        resource("report.css"),
        resource("report.js"),
        h -> body(h, page));
  }

  private static void body(Html h, Page page) {
    h.leaf("a", "Skip to the figures", "href", "#savings", "class", "skip").raw("\n");
    HeaderSection.write(h, page);
    h.open("main").raw("\n");
    SavingsSection.write(h, page);
    DistanceChart.write(h, page);
    ContactSheet.write(h, page);
    KeptSection.write(h, page);
    TokenChart.write(h, page);
    RunSection.write(h, page);
    h.closeLine();
    h.open("footer");
    h.leaf(
        "p",
        "Made by MedPruner for the JVM. Research software, not a medical device: not for"
            + " diagnosis, and no substitute for reading the full volume.");
    h.closeLine();
  }

  private static String resource(String name) {
    return HtmlPage.text(HtmlReport.class.getResourceAsStream(name), name);
  }
}
