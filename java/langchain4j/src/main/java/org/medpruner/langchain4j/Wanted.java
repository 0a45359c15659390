package org.medpruner.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.Sampling;
import org.medpruner.volume.VolumeReading;

/** What a request's parameters ask for, in MedPruner's terms. */
record Wanted(PruningPolicy policy, VolumeReading reading, GenerationOptions generation) {
  /**
   * Reads parameters.
   *
   * @param model the one that would answer
   * @throws UnsupportedFeatureException naming the first parameter that the model knows nothing of
   * @throws InvalidRequestException naming the first value that cannot be
   */
  static Wanted of(ChatRequestParameters parameters, String model) {
    if (parameters.modelName() != null && !parameters.modelName().equals(model)) {
      throw new ModelNotFoundException(
          "modelName = " + parameters.modelName() + ", but this model is " + model);
    }
    refuse("toolSpecifications", isGiven(parameters.toolSpecifications()));
    refuse("toolChoice", parameters.toolChoice() == ToolChoice.REQUIRED);
    refuse(
        "responseFormat",
        parameters.responseFormat() != null
            && parameters.responseFormat().type() != ResponseFormatType.TEXT);
    refuse("frequencyPenalty", isGiven(parameters.frequencyPenalty()));
    refuse("presencePenalty", isGiven(parameters.presencePenalty()));
    MedPrunerChatRequestParameters own =
        MedPrunerChatRequestParameters.builder().overrideWith(parameters).build();
    PruningPolicy policy = own.policy();
    VolumeReading reading = own.reading();
    return new Wanted(
        policy == null ? PruningPolicy.PAPER : policy,
        reading == null ? VolumeReading.DEFAULT : reading,
        generation(own));
  }

  private static GenerationOptions generation(MedPrunerChatRequestParameters own) {
    Integer most = own.maxOutputTokens();
    if (most != null && most < 1) {
      throw new InvalidRequestException("maxOutputTokens = " + most + ", but it must be >= 1");
    }
    List<String> stops = own.stopSequences();
    if (stops != null && stops.stream().anyMatch(Objects::isNull)) {
      throw new InvalidRequestException("stopSequences: one is null; leave it out");
    }
    if (stops != null && stops.contains("")) {
      throw new InvalidRequestException("stopSequences: one is empty; leave it out");
    }
    try {
      Sampling sampling =
          new Sampling(
              orElse(own.temperature(), 0),
              own.topK() == null ? 0 : own.topK(),
              orElse(own.topP(), 1),
              orElse(own.repetitionPenalty(), 1),
              own.seed() == null ? 0 : own.seed());
      return new GenerationOptions(
          most == null ? 0 : most,
          PromptLayout.GOOGLE,
          sampling,
          stops == null ? List.of() : stops);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequestException(e.getMessage(), e);
    }
  }

  private static double orElse(@Nullable Double value, double otherwise) {
    return value == null ? otherwise : value;
  }

  private static boolean isGiven(@Nullable Double penalty) {
    return penalty != null && penalty != 0;
  }

  private static boolean isGiven(@Nullable List<?> list) {
    return list != null && !list.isEmpty();
  }

  private static void refuse(String parameter, boolean given) {
    if (given) {
      throw new UnsupportedFeatureException(
          parameter + ": not supported, a medical vision-language model only answers in text");
    }
  }
}
