package org.medpruner.cli.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

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
    // Inside CDATA for XML readers; to HTML the marks are comments.
    String script = "/*<![CDATA[*/\n" + resource("report.js") + "/*]]>*/";
    String style = "/*<![CDATA[*/\n" + resource("report.css") + "/*]]>*/";
    Html h = new Html();
    h.raw("<!DOCTYPE html>\n");
    h.open("html", "lang", "en").open("head");
    h.empty("meta", "charset", "utf-8").raw("\n");
    // The hash admits this page's own script alone, should markup ever slip into a text.
    h.empty(
        "meta",
        "http-equiv",
        "Content-Security-Policy",
        "content",
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-"
            + sha256(script)
            + "'; base-uri 'none'; form-action 'none'");
    h.raw("\n");
    h.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    h.raw("\n");
    h.empty("meta", "name", "color-scheme", "content", "light dark").raw("\n");
    h.leaf("title", model.title() + " \u2013 MedPruner report").raw("\n");
    h.open("style").raw(style).closeLine();
    h.closeLine();
    h.open("body").raw("\n");
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
    h.open("script").raw(script).closeLine();
    h.close().closeLine();
    return h.toString();
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("resource " + name + " is missing from medpruner-cli");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read resource " + name, e);
    }
  }

  private static String sha256(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java runtime has SHA-256", e);
    }
  }
}
