package example;

import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.nio.file.Path;
import org.medpruner.langchain4j.MedPrunerChatModel;
import org.medpruner.langchain4j.MedPrunerChatRequestParameters;
import org.medpruner.langchain4j.MedPrunerChatResponseMetadata;
import org.medpruner.langchain4j.VolumeContent;

/** Asks a model about a CT through LangChain4j, and fails when the answer is wrong. */
public final class AskAboutVolume {
  private AskAboutVolume() {}

  /** Takes the folder of the demo model. */
  public static void main(String[] args) {
    Path demo = Path.of(args[0]);
    Path ct = demo.resolve("phantoms/phantom_05.nii.gz");
    try (MedPrunerChatModel model = MedPrunerChatModel.builder().modelPath(demo).build()) {
      UserMessage question =
          UserMessage.from(
              VolumeContent.of(ct), TextContent.from("Which organ contains the lesion?"));
      ChatResponse pruned = model.chat(question);
      ChatResponse whole =
          model.chat(
              ChatRequest.builder()
                  .messages(question)
                  .parameters(MedPrunerChatRequestParameters.builder().preset("off").build())
                  .build());
      say("pruned", pruned);
      say("unpruned", whole);
      if (!pruned.aiMessage().text().equals("spleen")
          || pruned.tokenUsage().inputTokenCount() >= whole.tokenUsage().inputTokenCount()) {
        throw new IllegalStateException("the phantom's lesion is in the spleen");
      }
    }
  }

  private static void say(String how, ChatResponse response) {
    var metadata = (MedPrunerChatResponseMetadata) response.metadata();
    System.out.printf(
        "%s: %s (%d input tokens, %.0f %% of the visual tokens kept)%n",
        how,
        response.aiMessage().text(),
        response.tokenUsage().inputTokenCount(),
        100 * metadata.report().rates().overall());
  }
}
