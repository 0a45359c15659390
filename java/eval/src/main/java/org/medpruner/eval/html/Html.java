package org.medpruner.eval.html;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Writes markup that is balanced by construction and valid both as HTML5 and as XML. Not
 * thread-safe.
 */
public final class Html {
  private final StringBuilder out = new StringBuilder(1 << 16);
  private final Deque<String> open = new ArrayDeque<>();

  /**
   * Opens an element.
   *
   * @param attributes name, value, name, value ...; a null value leaves its attribute out
   */
  public Html open(String tag, @Nullable String... attributes) {
    start(tag, attributes);
    out.append('>');
    open.push(tag);
    return this;
  }

  /** Closes the innermost open element. */
  public Html close() {
    out.append("</").append(open.pop()).append('>');
    return this;
  }

  /** Closes the innermost open element and ends the line. */
  public Html closeLine() {
    close();
    out.append('\n');
    return this;
  }

  /** An element without content; only for void HTML elements and SVG shapes. */
  public Html empty(String tag, @Nullable String... attributes) {
    start(tag, attributes);
    out.append("/>");
    return this;
  }

  /** An element that holds text alone. */
  public Html leaf(String tag, String text, @Nullable String... attributes) {
    open(tag, attributes);
    return text(text).close();
  }

  /** Escaped text. */
  public Html text(String text) {
    escape(text, out);
    return this;
  }

  /** Markup taken as it is; never for text that came from outside. */
  public Html raw(String markup) {
    out.append(markup);
    return this;
  }

  private void start(String tag, @Nullable String... attributes) {
    out.append('<').append(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      String value = attributes[i + 1];
      if (value != null) {
        out.append(' ').append(attributes[i]).append("=\"");
        escape(value, out);
        out.append('"');
      }
    }
  }

  /**
   * Appends the text with markup characters as entities and characters that XML 1.0 forbids
   * (controls, lone surrogates) as U+FFFD, so that no input can open a tag or break the page.
   */
  private static void escape(String s, StringBuilder to) {
    for (int i = 0; i < s.length(); ) {
      int c = s.codePointAt(i);
      i += Character.charCount(c);
      switch (c) {
        case '<' -> to.append("&lt;");
        case '>' -> to.append("&gt;");
        case '&' -> to.append("&amp;");
        case '"' -> to.append("&quot;");
        case '\'' -> to.append("&#39;");
        default -> to.appendCodePoint(allowed(c) ? c : 0xFFFD);
      }
    }
  }

  private static boolean allowed(int c) {
    return c == '\t'
        || c == '\n'
        || (c >= 0x20 && c <= 0x7E)
        || (c >= 0xA0 && c <= 0xD7FF)
        || (c >= 0xE000 && c <= 0xFFFD)
        || c >= 0x10000;
  }

  /**
   * The markup written so far.
   *
   * @throws IllegalStateException if an element is still open
   */
  @Override
  public String toString() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("element <" + open.peek() + "> is still open");
    }
    return out.toString();
  }
}
