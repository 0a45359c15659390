package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.prompt.ThinkingBlock;

/**
 * The text of an answer while it is generated. What is handed to the listener is never taken back:
 * held back are characters that further tokens may still change. A thinking block whose opening
 * mark the model left out is known by its end only: what was handed out of it stays, and the answer
 * goes on behind it on a line of its own. One per answer, used by one thread.
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

  /** No white space, and no text: the standard keeps it from being a character. */
  private static final String END = "\uFFFF";

  /** Marks of thinking blocks, which some tokenizers spell with several tokens. */
  private static final List<String> MARKS =
      Stream.of(ThinkingBlock.GEMMA, ThinkingBlock.QWEN)
          .flatMap(b -> Stream.of(b.open(), b.close()))
          .toList();

  /** Those that end a block. */
  private static final List<String> CLOSING =
      List.of(ThinkingBlock.GEMMA.close(), ThinkingBlock.QWEN.close());

  /**
   * Characters of white space in front of an answer within which no stop string ends it: what
   * models write between a thinking block and the answer, or before either.
   */
  private static final int LEADING = 2;

  private final Function<List<Integer>, String> decode;
  private final UnaryOperator<String> visible;
  private final List<String> stops;
  private final AnswerListener listener;
  private final List<Integer> ids = new ArrayList<>();

  /** Text of the first {@link #read} ids, marks included; it ends with a whole character. */
  private final StringBuilder settled = new StringBuilder();

  private int read;

  /** The last ids that were read begin here: what follows is decoded together with them. */
  private int context;

  /** Text of those. */
  private String contextText = "";

  /** What was handed out and then turned out to be a thinking block. */
  private String past = "";

  /** What was handed out of the visible text. */
  private String given = "";

  private boolean cancelled;
  private String latest = "";

  /**
   * An empty answer.
   *
   * @param decode text of ids, special tokens left out; given few of them at a time
   * @param visible a decoded text without thinking blocks, trimmed
   * @param stops the text ends before the first of them
   */
  AnswerText(
      Function<List<Integer>, String> decode,
      UnaryOperator<String> visible,
      List<String> stops,
      AnswerListener listener) {
    this.decode = decode;
    this.visible = visible;
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
    String decoded = decoded();
    if (decoded == null) {
      return State.GOES_ON;
    }
    String seen = visible.apply(decoded + END);
    // A thinking block that is not over takes the mark with it.
    boolean thinking = !seen.endsWith(END);
    // With the white space behind it, which a stop string may consist of.
    String text = thinking ? seen : seen.substring(0, seen.length() - END.length());
    if (!text.startsWith(given)) {
      // A closing mark without an opening one has made a block of what was text until now. What
      // nobody was shown need not stay.
      past = listener == AnswerListener.NONE ? "" : whole();
      given = "";
    }
    int cut = !thinking && stopsBefore(text, decoded) ? 0 : stop(text);
    latest = (cut < 0 ? text : text.substring(0, cut)).strip();
    if (!give(cut < 0 ? latest.substring(0, certain(latest)) : latest)) {
      return State.CANCELLED;
    }
    return cut < 0 ? State.GOES_ON : State.STOP_STRING;
  }

  /**
   * Text of all ids, marks included. Decoding all of them at every token would decode 134 million
   * in an answer of 16,384: only those since the last whole character are new, and the ones before
   * them say how they are to be read.
   *
   * @return null while a character's bytes are coming in and the bytes around it decode to nonsense
   */
  private @Nullable String decoded() {
    String text = decode.apply(ids.subList(context, ids.size()));
    if (!text.startsWith(contextText) && endsInsideCharacter(text)) {
      return null;
    }
    String added = text.substring(Math.min(contextText.length(), text.length()));
    if (added.isEmpty() || endsInsideCharacter(added)) {
      return settled + added;
    }
    settled.append(added);
    context = read;
    read = ids.size();
    contextText = decode.apply(ids.subList(context, read));
    return settled.toString();
  }

  private static boolean endsInsideCharacter(String text) {
    return !text.isEmpty() && text.charAt(text.length() - 1) == REPLACEMENT;
  }

  /**
   * Ends the answer and hands out what was held back, unless the listener ended it.
   *
   * @return the whole text
   */
  String finish() {
    if (silent()) {
      return visible.apply(decode.apply(ids));
    }
    if (!cancelled) {
      give(latest);
    }
    return whole();
  }

  /** All that was handed out. */
  private String whole() {
    return past.isEmpty() || given.isEmpty() ? past + given : past + "\n" + given;
  }

  private boolean give(String text) {
    if (text.length() <= given.length()) {
      return true;
    }
    String piece = text.substring(given.length());
    boolean behindThoughts = given.isEmpty() && !past.isEmpty();
    given = text;
    cancelled = !listener.text(behindThoughts ? "\n" + piece : piece);
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

  /**
   * Whether a stop string ends in the white space in front of the text: that is no part of an
   * answer, but a model that falls into line breaks at once would else run to its limit.
   */
  private boolean stopsBefore(String text, String decoded) {
    int from = 0;
    for (String mark : CLOSING) {
      int at = decoded.lastIndexOf(mark);
      from = at < 0 ? from : Math.max(from, at + mark.length());
    }
    int to = decoded.length() - text.length();
    if (to - from <= LEADING || !decoded.endsWith(text)) {
      return false; // there is none, or the text began before the last block
    }
    String leading = decoded.substring(from, to);
    return leading.isBlank()
        && stops.stream()
            .anyMatch(s -> leading.indexOf(s, Math.max(0, LEADING + 1 - s.length())) >= 0);
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
