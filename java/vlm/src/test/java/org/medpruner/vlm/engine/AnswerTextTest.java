package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.prompt.ThinkingBlock;

/** Tokens here are pieces of text or of UTF-8; their ids are their places in a list. */
class AnswerTextTest {
  private final List<byte[]> vocabulary = new ArrayList<>();
  private final List<String> pieces = new ArrayList<>();

  private String decode(List<Integer> ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ids.forEach(id -> bytes.writeBytes(vocabulary.get(id)));
    return ThinkingBlock.GEMMA.strip(bytes.toString(StandardCharsets.UTF_8));
  }

  private int token(byte... bytes) {
    vocabulary.add(bytes);
    return vocabulary.size() - 1;
  }

  private AnswerText answer(List<String> stops) {
    return new AnswerText(
        this::decode,
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
    AnswerText text = new AnswerText(this::decode, List.of(), AnswerListener.NONE);
    text.add(token("<unused94>x<unused95> a b ".getBytes(StandardCharsets.UTF_8)));
    assertEquals("a b", text.finish());
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
        state = text.add(token(java.util.Arrays.copyOfRange(bytes, from, to)));
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
}
