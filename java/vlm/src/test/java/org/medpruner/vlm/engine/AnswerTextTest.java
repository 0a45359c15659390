package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.prompt.ThinkingBlock;

/** Tokens here are pieces of text or of UTF-8; their ids are their places in a list. */
class AnswerTextTest {
  private final List<byte[]> vocabulary = new ArrayList<>();
  private final List<String> pieces = new ArrayList<>();
  private long decoded;

  private String decode(List<Integer> ids) {
    decoded += ids.size();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ids.forEach(id -> bytes.writeBytes(vocabulary.get(id)));
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private int token(byte... bytes) {
    vocabulary.add(bytes);
    return vocabulary.size() - 1;
  }

  private AnswerText answer(List<String> stops) {
    return answer(this::decode, stops);
  }

  private AnswerText answer(Function<List<Integer>, String> decode, List<String> stops) {
    return new AnswerText(
        decode,
        ThinkingBlock.GEMMA::strip,
        stops,
        piece -> {
          assertFalse(piece.isEmpty());
          assertFalse(piece.indexOf('\uFFFD') >= 0, "half a character was streamed");
          pieces.add(piece);
          return true;
        });
  }

  /** Streams tokens until a stop string ends it. */
  private String stream(List<String> stops, String... tokens) {
    AnswerText text = answer(stops);
    for (String t : tokens) {
      if (text.add(token(t.getBytes(StandardCharsets.UTF_8))) != AnswerText.State.GOES_ON) {
        break;
      }
    }
    String whole = text.finish();
    assertEquals(whole, String.join("", pieces));
    return whole;
  }

  @Test
  void piecesComeAsSoonAsTheyAreCertain() {
    assertEquals("The liver is fine.", stream(List.of(), " The", " liver", " is ", "fine", ". "));
    assertEquals(List.of("The", " liver", " is", " fine", "."), pieces);
  }

  @Test
  void aStopStringIsFoundAcrossTokensAndCut() {
    assertEquals("one two", stream(List.of("END"), "one", " two", " E", "N", "D", " three"));
    assertEquals(List.of("one", " two"), pieces);
  }

  @Test
  void theBeginningOfAStopStringThatGoesOnOtherwiseIsText() {
    assertEquals("one EN route", stream(List.of("END"), "one", " E", "N", " route"));
  }

  @Test
  void theBeginningOfAStopStringAtTheEndIsText() {
    assertEquals("one EN", stream(List.of("END"), "one", " EN"));
  }

  @Test
  void theEarliestOfSeveralStopStringsCuts() {
    assertEquals("a", stream(List.of("c", "b c"), "a b c d"));
    pieces.clear();
    assertEquals("", stream(List.of("a"), "a b"));
  }

  @Test
  void aCharacterOfSeveralTokensIsNeverHalf() {
    AnswerText text = answer(List.of());
    byte[] euro = "\u20ac".getBytes(StandardCharsets.UTF_8);
    for (byte b : euro) {
      text.add(token(b));
    }
    text.add(token("!".getBytes(StandardCharsets.UTF_8)));
    assertEquals("\u20ac!", text.finish());
    assertEquals(List.of("\u20ac", "!"), pieces);
  }

  @Test
  void thinkingBlocksAreNotStreamed() {
    assertEquals(
        "Two.", stream(List.of(), "<unused94>", "Let me", " see", "<unused95>", "Two", "."));
    assertEquals(List.of("Two", "."), pieces);
  }

  @Test
  void aMarkOfSeveralTokensIsNotStreamedEither() {
    assertEquals("x", stream(List.of(), "x", "<unu", "sed94>", "Let me see"));
    assertEquals(List.of("x"), pieces);
  }

  @Test
  void stopStringsAreNotLookedForInThinking() {
    assertEquals("b", stream(List.of("a"), "<unused94>", "a", "<unused95>", "b", "a"));
  }

  @Test
  void aListenerEndsTheAnswer() {
    List<String> given = new ArrayList<>();
    AnswerText text =
        new AnswerText(
            this::decode,
            ThinkingBlock.GEMMA::strip,
            List.of(),
            piece -> {
              given.add(piece);
              return given.size() < 2;
            });
    assertEquals(AnswerText.State.GOES_ON, text.add(token((byte) 'a')));
    assertEquals(AnswerText.State.CANCELLED, text.add(token((byte) 'b', (byte) ' ', (byte) '<')));
    assertEquals("ab", text.finish());
    assertEquals(List.of("a", "b"), given);
  }

  @Test
  void withoutAListenerTheTextIsTheSame() {
    AnswerText text = unheard(List.of());
    text.add(token("<unused94>x<unused95> a b ".getBytes(StandardCharsets.UTF_8)));
    assertEquals("a b", text.finish());
  }

  private AnswerText unheard(List<String> stops) {
    return new AnswerText(this::decode, ThinkingBlock.GEMMA::strip, stops, AnswerListener.NONE);
  }

  /** Its marks tell a thinking block only once the thoughts were streamed. */
  @Test
  void theAnswerBehindABlockWithoutAnOpeningMarkIsStreamed() {
    assertEquals("thinking\nTwo.", stream(List.of(), "thinking", "<unused95>", "Two", "."));
    assertEquals(List.of("thinking", "\nTwo", "."), pieces);
    pieces.clear();
    assertEquals("Two.", stream(List.of(), "<unused95>", "\n", "Two", "."));
    pieces.clear();
    assertEquals("thinking", stream(List.of(), "thinking ", "<unused95>", "\n"));
    pieces.clear();
    assertEquals("a\nb\nc", stream(List.of(), "a", "<unused95>", "b", "<unused95>", "c"));
    pieces.clear();
    assertEquals(
        "a\nb c", stream(List.of(), "a", "<unused95>", "b", "<unused94>", "x", "<unused95>", " c"));
  }

  @Test
  void stopStringsAreLookedForBehindABlockWithoutAnOpeningMark() {
    assertEquals(
        "thinking\nTwo",
        stream(List.of("END"), "thinking", "<unused95>", " Two", " END", " three"));
  }

  /** Where nobody was shown the thoughts, the text is that of an answer without stop strings. */
  @Test
  void thoughtsThatNobodyWasShownAreNoPartOfTheText() {
    AnswerText text = unheard(List.of("END"));
    for (String t : List.of("thinking", "<unused95>", " Two", " E")) {
      assertEquals(AnswerText.State.GOES_ON, text.add(token(t.getBytes(StandardCharsets.UTF_8))));
    }
    assertEquals(
        AnswerText.State.STOP_STRING, text.add(token("ND".getBytes(StandardCharsets.UTF_8))));
    assertEquals("Two", text.finish());
  }

  /** Blocks begun, ended, both or neither, and the text cut anywhere. */
  @Test
  void anyMarksLeaveTheAnswerBehindThem() {
    List<String> parts =
        List.of("a", " ", "\n", "b c", "\u20ac", "<unused94>", "<unused95>", "<", "<unused9");
    SplittableRandom random = new SplittableRandom(5);
    int orphans = 0;
    for (int round = 0; round < 3000; round++) {
      StringBuilder written = new StringBuilder();
      for (int i = random.nextInt(12); i > 0; i--) {
        written.append(parts.get(random.nextInt(parts.size())));
      }
      byte[] bytes = written.toString().getBytes(StandardCharsets.UTF_8);
      String expected = ThinkingBlock.GEMMA.strip(written.toString());
      pieces.clear();
      vocabulary.clear();
      AnswerText heard = answer(List.of());
      AnswerText unheard = unheard(List.of("never"));
      for (int from = 0; from < bytes.length; ) {
        int to = Math.min(bytes.length, from + 1 + random.nextInt(6));
        int id = token(Arrays.copyOfRange(bytes, from, to));
        assertEquals(AnswerText.State.GOES_ON, heard.add(id));
        assertEquals(AnswerText.State.GOES_ON, unheard.add(id));
        from = to;
      }
      assertEquals(expected, unheard.finish(), written.toString());
      String whole = heard.finish();
      assertEquals(whole, String.join("", pieces));
      assertEquals(whole, whole.strip());
      assertTrue(
          whole.endsWith(expected), () -> "\"" + written + "\" was streamed as \"" + whole + "\"");
      orphans += whole.equals(expected) ? 0 : 1;
    }
    assertTrue(orphans > 200, orphans + " rounds had a block without an opening mark");
  }

  /**
   * As Gemma's tokenizer decodes: a run of byte tokens is a text if the whole of it is, and else
   * nothing but replacement characters.
   */
  private String decodeRuns(List<Integer> ids) {
    StringBuilder text = new StringBuilder();
    for (int from = 0; from < ids.size(); ) {
      int to = from;
      ByteArrayOutputStream run = new ByteArrayOutputStream();
      while (to < ids.size() && vocabulary.get(ids.get(to)).length == 1) {
        run.writeBytes(vocabulary.get(ids.get(to++)));
      }
      if (to == from) {
        text.append(new String(vocabulary.get(ids.get(to++)), StandardCharsets.UTF_8));
      } else {
        String read = run.toString(StandardCharsets.UTF_8);
        text.append(read.indexOf('\uFFFD') < 0 ? read : "\uFFFD".repeat(to - from));
      }
      from = to;
    }
    return text.toString();
  }

  @Test
  void bytesThatRunTogetherAreReadOneCharacterAtATime() {
    AnswerText text = answer(this::decodeRuns, List.of());
    String written = "\u20ac\u00e9\ud83e\ude7b";
    List<Integer> ids = new ArrayList<>(List.of(token("on".getBytes(StandardCharsets.UTF_8))));
    for (byte b : written.getBytes(StandardCharsets.UTF_8)) {
      ids.add(token(b));
    }
    ids.add(token("ly".getBytes(StandardCharsets.UTF_8)));
    ids.forEach(text::add);
    assertEquals("on" + written + "ly", text.finish());
    assertEquals(List.of("on", "\u20ac", "\u00e9", "\ud83e\ude7b", "ly"), pieces);
  }

  /** A character that never ends turns all bytes around it to nonsense; the answer goes on. */
  @Test
  void anIncompleteCharacterDoesNotEndTheStream() {
    AnswerText text =
        new AnswerText(
            this::decodeRuns,
            ThinkingBlock.GEMMA::strip,
            List.of(),
            piece -> {
              pieces.add(piece);
              return true;
            });
    for (byte b : "\u20ac".getBytes(StandardCharsets.UTF_8)) {
      text.add(token(b));
    }
    text.add(token((byte) 0xe2));
    for (String t : List.of("then", " more")) {
      text.add(token(t.getBytes(StandardCharsets.UTF_8)));
    }
    String whole = text.finish();
    assertEquals(whole, String.join("", pieces));
    assertTrue(whole.startsWith("\u20ac") && whole.endsWith("then more"), whole);
  }

  /** All of them at every token were 2 million for these 2,000. */
  @Test
  void aTokenIsDecodedWithItsNeighboursOnly() {
    AnswerText text = answer(List.of());
    int[] ids = {
      token((byte) 'a'),
      token((byte) 0xe2),
      token((byte) 0x82),
      token((byte) 0xac),
      token((byte) ' ')
    };
    for (int i = 0; i < 2000; i++) {
      text.add(ids[i % ids.length]);
    }
    assertEquals("a\u20ac ".repeat(400).strip(), text.finish());
    assertTrue(decoded < 12 * 2000, decoded + " tokens were decoded");
  }

  /** Any text cut anywhere, bytes apart: what is streamed is the text, and never taken back. */
  @Test
  void anyCutGivesTheSameText() {
    String alphabet = "a E N D \n\u00e9\u20ac\ud83e\ude7b<";
    int[] points = alphabet.codePoints().toArray();
    SplittableRandom random = new SplittableRandom(3);
    int stopped = 0;
    for (int round = 0; round < 2000; round++) {
      StringBuilder written = new StringBuilder();
      for (int i = random.nextInt(30); i > 0; i--) {
        written.appendCodePoint(points[random.nextInt(points.length)]);
      }
      List<String> stops = List.of("END", "N D", "\u20ac\u20ac");
      byte[] bytes = written.toString().getBytes(StandardCharsets.UTF_8);
      pieces.clear();
      vocabulary.clear();
      AnswerText text = answer(stops);
      AnswerText.State state = AnswerText.State.GOES_ON;
      for (int from = 0; from < bytes.length && state == AnswerText.State.GOES_ON; ) {
        int to = Math.min(bytes.length, from + 1 + random.nextInt(4));
        state = text.add(token(Arrays.copyOfRange(bytes, from, to)));
        from = to;
      }
      String whole = text.finish();
      assertEquals(whole, String.join("", pieces));
      String stripped = written.toString().strip();
      int cut = stops.stream().mapToInt(stripped::indexOf).filter(i -> i >= 0).min().orElse(-1);
      stopped += cut >= 0 ? 1 : 0;
      assertEquals(cut < 0 ? stripped : stripped.substring(0, cut).strip(), whole);
      assertEquals(cut >= 0, state == AnswerText.State.STOP_STRING);
    }
    assertTrue(stopped > 100, stopped + " rounds had a stop string");
  }

  /** A model that falls into line breaks would else run to its limit. */
  @Test
  void aStopStringMayBeWhiteSpace() {
    AnswerText text = answer(List.of("\n"));
    assertEquals(AnswerText.State.GOES_ON, text.add(token("yes".getBytes(StandardCharsets.UTF_8))));
    assertEquals(
        AnswerText.State.STOP_STRING, text.add(token("\n".getBytes(StandardCharsets.UTF_8))));
    assertEquals("yes", text.finish());
    assertEquals(List.of("yes"), pieces);
  }

  /** Also where it falls into them at once, in front of any text or behind its thoughts. */
  @Test
  void aStopStringOfWhiteSpaceEndsAnAnswerThatNeverBegins() {
    for (String thoughts : List.of("", "<unused94>a b<unused95>", "<unused95>")) {
      for (String stop : List.of("\n", "\n\n", "\n\n\n")) {
        assertEquals(
            3, untilStopped(List.of(stop), thoughts, "\n", "\n", "\n", "\n") - 1, thoughts + stop);
        assertEquals(1, untilStopped(List.of(stop), thoughts + "\n\n\n\nyes"));
      }
    }
    assertEquals(List.of(), pieces);
  }

  /** What models write before an answer and between it and their thoughts stops nothing. */
  @Test
  void twoCharactersOfWhiteSpaceInFrontOfAnAnswerAreExempt() {
    for (String stop : List.of("\n", "\n\n")) {
      assertEquals("yes", stream(List.of(stop), "\n\n", "<unused94>a\n\n\n<unused95>\n\n", "yes"));
      pieces.clear();
      assertEquals("yes", stream(List.of(stop), "\n", "\n", " yes"));
      pieces.clear();
    }
    assertEquals("b", stream(List.of("\n"), "<unused94>", "\n", "\n", "\n", "<unused95>", "b"));
  }

  /** After how many tokens a stop string ends an answer; 0 if none does. */
  private int untilStopped(List<String> stops, String... tokens) {
    AnswerText text = answer(stops);
    for (int i = 0; i < tokens.length; i++) {
      AnswerText.State state = text.add(token(tokens[i].getBytes(StandardCharsets.UTF_8)));
      if (state == AnswerText.State.STOP_STRING) {
        assertEquals("", text.finish());
        return i + 1;
      }
    }
    return 0;
  }

  @Test
  void whiteSpaceInAndAroundStopStringsCounts() {
    assertEquals("a\nb", stream(List.of("\n\n"), "a", "\n", "b", "\n", "\n", "c"));
    pieces.clear();
    assertEquals("one", stream(List.of(" END "), "one", " END", " ", "two"));
    pieces.clear();
    assertEquals("one END", stream(List.of(" END "), "one", " END"));
    pieces.clear();
    // What leads the answer is not part of it, and a block is not looked into.
    assertEquals("yes", stream(List.of("\n"), "\n", "<unused94>a\n<unused95>\n", "yes", "\n", "x"));
  }
}
