package org.medpruner.langchain4j;

import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import org.medpruner.vlm.fixtures.Demo;

/** Messages about the demo model's volumes. */
final class Phantoms {
  private Phantoms() {}

  static UserMessage about(int phantom, String question) {
    return UserMessage.from(VolumeContent.of(Demo.phantom(phantom)), TextContent.from(question));
  }
}
