package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.medpruner.vlm.AnswerListener;

/**
 * The text of an answer while it is generated. What is handed to the listener is never taken back:
 * held back are characters that further tokens may still change. One per answer, used by one
 * thread.
 */
final class AnswerText {
  /** What a token makes of the answer. */
  enum State {
    GOES_ON,
    STOP_STRING,
    CANCELLED
  }

  /** What an incomplete UTF-8 sequence decodes to. */
  private static final char REPLACEMENT = '\uFFFD';

  /** Marks of thinking blocks, which some tokenizers spell with several tokens. */
  private static final List<String> MARKS =
      List.of("<unused94>", "<unused95>", "<think>", "</think>");

  private final Function<List<Integer>, String> decode;
  private final List<String> stops;
  private final AnswerListener listener;
  private final List<Integer> ids = new ArrayList<>();
  private String given = "";
  private boolean cancelled;
  private String latest = "";

  /**
   * An empty answer.
   *
   * @param decode text of ids, special tokens and thinking blocks left out, trimmed
   * @param stops the text ends before the first of them
   */
  AnswerText(Function<List<Integer>, String> decode, List<String> stops, AnswerListener listener) {
    this.decode = decode;
    this.stops = stops;
    this.listener = listener;
  }

  /** Whether nobody looks at the text before the end. */
  private boolean silent() {
    return stops.isEmpty() && listener == AnswerListener.NONE;
  }

  /** Takes a token that is not a stop token. */
  State add(int id) {
    ids.add(id);
    if (silent()) {
      return State.GOES_ON;
    }
    String text = decode.apply(List.copyOf(ids));
    if (!text.startsWith(given)) {
      // Bytes of a character are coming in; for now the whole run of bytes decodes to nonsense.
      return State.GOES_ON;
    }
    int cut = stop(text);
    latest = cut < 0 ? text : text.substring(0, cut).strip();
    if (!give(cut < 0 ? latest.substring(0, certain(latest)) : latest)) {
      return State.CANCELLED;
    }
    return cut < 0 ? State.GOES_ON : State.STOP_STRING;
  }

  /**
   * Ends the answer and hands out what was held back, unless the listener ended it.
   *
   * @return the whole text
   */
  String finish() {
    if (silent()) {
      return decode.apply(ids);
    }
    if (!cancelled && latest.startsWith(given)) {
      give(latest);
    }
    return given;
  }

  private boolean give(String text) {
    if (text.length() <= given.length()) {
      return true;
    }
    String piece = text.substring(given.length());
    given = text;
    cancelled = !listener.text(piece);
    return !cancelled;
  }

  /** Where the first stop string begins, or -1. */
  private int stop(String text) {
    int first = -1;
    for (String stop : stops) {
      int at = text.indexOf(stop);
      if (at >= 0 && (first < 0 || at < first)) {
        first = at;
      }
    }
    return first;
  }

  /** How much of a text no further token can change. */
  private int certain(String text) {
    int whole = text.length();
    while (whole > 0 && text.charAt(whole - 1) == REPLACEMENT) {
      whole--;
    }
    String readable = text.substring(0, whole);
    int end = whole;
    for (String stop : stops) {
      end = Math.min(end, beforeBeginning(readable, stop));
    }
    for (String mark : MARKS) {
      end = Math.min(end, beforeBeginning(readable, mark));
    }
    // White space before what is held back would be stripped if that is cut off.
    return text.substring(0, end).stripTrailing().length();
  }

  /** The text's length without an ending that is the beginning of a mark. */
  private static int beforeBeginning(String text, String mark) {
    for (int n = Math.min(mark.length() - 1, text.length()); n > 0; n--) {
      if (text.regionMatches(text.length() - n, mark, 0, n)) {
        return text.length() - n;
      }
    }
    return text.length();
  }
}
