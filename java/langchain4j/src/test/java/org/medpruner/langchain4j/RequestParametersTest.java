package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import org.junit.jupiter.api.Test;
import org.medpruner.PruningPolicy;
import org.medpruner.volume.VolumeReading;

/** Merging with LangChain4j's own parameters, in every order. */
class RequestParametersTest {
  private static final MedPrunerChatRequestParameters OWN =
      MedPrunerChatRequestParameters.builder()
          .preset("nucleus")
          .reading(VolumeReading.DEFAULT.withMaxSlices(10))
          .seed(7L)
          .repetitionPenalty(1.5)
          .temperature(0.5)
          .topK(3)
          .build();
  private static final ChatRequestParameters PLAIN =
      ChatRequestParameters.builder().temperature(1.0).maxOutputTokens(9).build();

  private static void assertOwn(ChatRequestParameters merged, double temperature) {
    MedPrunerChatRequestParameters own =
        assertInstanceOf(MedPrunerChatRequestParameters.class, merged);
    assertEquals(PruningPolicy.NUCLEUS, own.policy());
    assertEquals(OWN.reading(), own.reading());
    assertEquals(7, own.seed());
    assertEquals(1.5, own.repetitionPenalty());
    assertEquals(3, own.topK());
    assertEquals(9, own.maxOutputTokens());
    assertEquals(temperature, own.temperature());
  }

  @Test
  void ownFieldsSurviveEveryMerge() {
    assertOwn(OWN.overrideWith(PLAIN), 1.0);
    assertOwn(OWN.defaultedBy(PLAIN), 0.5);
    assertOwn(PLAIN.overrideWith(OWN), 0.5);
    assertOwn(PLAIN.defaultedBy(OWN), 1.0);
  }

  @Test
  void whatOverridesWins() {
    MedPrunerChatRequestParameters other =
        MedPrunerChatRequestParameters.builder().policy(PruningPolicy.OFF).seed(8L).build();
    MedPrunerChatRequestParameters merged = OWN.overrideWith(other);
    assertEquals(PruningPolicy.OFF, merged.policy());
    assertEquals(8, merged.seed());
    assertEquals(1.5, merged.repetitionPenalty());
    assertEquals(PruningPolicy.NUCLEUS, OWN.defaultedBy(other).policy());
  }

  @Test
  void equalFieldsAreEqual() {
    MedPrunerChatRequestParameters same =
        MedPrunerChatRequestParameters.builder().overrideWith(OWN).build();
    assertEquals(OWN, same);
    assertEquals(OWN.hashCode(), same.hashCode());
    assertNotEquals(OWN, OWN.overrideWith(PLAIN));
    assertNotEquals(
        OWN, MedPrunerChatRequestParameters.builder().overrideWith(OWN).seed(8L).build());
    assertTrue(OWN.toString().contains("seed=7"), OWN.toString());
  }
}
