package org.medpruner.vlm.prompt;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ThinkingBlockTest {
  @ParameterizedTest
  @CsvSource({
    "'a b', 'a b'",
    "'<unused94>thought x<unused95> yes ', yes",
    "'yes<unused94>after<unused95>', yes",
    "'<unused94>a<unused95>b<unused94>c<unused95>d', bd",
    "'<unused94>cut off by the length', ''",
    "'began before<unused95>yes', yes",
    "'', ''",
  })
  void blocksAreCutOut(String text, String expected) {
    assertEquals(expected, ThinkingBlock.GEMMA.strip(text));
    String qwen = text.replace("<unused94>", "<think>").replace("<unused95>", "</think>");
    assertEquals(expected, ThinkingBlock.QWEN.strip(qwen));
  }
}
