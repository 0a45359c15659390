package org.medpruner.eval.html;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The document around a report: one file that needs no other and no network. */
public final class HtmlPage {
  /** The project's mark: slices of which some are left out. */
  public static final String MARK =
      """
      <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">\
      <rect x="3" y="4" width="26" height="4" rx="1.5" class="mark-on"/>\
      <rect x="3" y="11" width="26" height="3" rx="1.5" class="mark-off"/>\
      <rect x="3" y="17" width="26" height="3" rx="1.5" class="mark-off"/>\
      <rect x="3" y="23" width="26" height="4" rx="1.5" class="mark-on"/></svg>\
      """;

  /** Switches between the light and the dark scheme; seen only where scripts run. */
  public static final String THEME_BUTTON =
      "<button type=\"button\" id=\"theme\" class=\"js-only\" title=\"Switch between the light and"
          + " the dark colour scheme\">Light / dark</button>";

  private HtmlPage() {}

  /**
   * A complete document, well-formed as XML. It forbids itself any request by a content security
   * policy that admits this page's own script alone.
   *
   * @param title of the window
   * @param style CSS, after the common rules
   * @param script after the common one; without scripts the page must read as well
   * @param body writes what is between the body's tags, the script apart
   */
  public static String render(String title, String style, String script, Consumer<Html> body) {
    // Inside CDATA for XML readers; to HTML the marks are comments.
    String code = cdata(own("base.js") + script);
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
            + sha256(code)
            + "'; base-uri 'none'; form-action 'none'");
    h.raw("\n");
    h.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    h.raw("\n");
    h.empty("meta", "name", "color-scheme", "content", "light dark").raw("\n");
    h.leaf("title", title).raw("\n");
    h.open("style").raw(cdata(own("base.css") + style)).closeLine();
    h.closeLine();
    h.open("body").raw("\n");
    body.accept(h);
    h.open("script").raw(code).closeLine();
    h.close().closeLine();
    return h.toString();
  }

  private static String cdata(String text) {
    return "/*<![CDATA[*/\n" + text + "/*]]>*/";
  }

  /**
   * The text of a resource. It is opened by its own module, which alone may do so.
   *
   * @throws IllegalStateException if it is null
   */
  public static String text(@Nullable InputStream resource, String name) {
    if (resource == null) {
      throw new IllegalStateException("resource " + name + " is missing");
    }
    try (resource) {
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read resource " + name, e);
    }
  }

  private static String own(String name) {
    return text(HtmlPage.class.getResourceAsStream(name), name);
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
