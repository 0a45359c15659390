package org.medpruner.cli.report;

/** Renders a {@link ReportModel} as one HTML page that needs no other file and no network. */
public final class HtmlReport {
  private HtmlReport() {}

  /**
   * The page as a string, to be written as UTF-8. Equal input gives an equal page.
   *
   * @param model what to show
   * @return a complete HTML document, well-formed as XML
   */
  public static String render(ReportModel model) {
    return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><title>"
        + Xml.text(model.title())
        + "</title></head><body><h1>"
        + Xml.text(model.title())
        + "</h1></body></html>\n";
  }
}
