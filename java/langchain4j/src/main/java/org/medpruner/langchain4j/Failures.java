package org.medpruner.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import org.medpruner.InputException;
import org.medpruner.MedPrunerException;
import org.medpruner.volume.VolumeException;

/** MedPruner's exceptions as LangChain4j's. */
final class Failures {
  private Failures() {}

  /** What the caller shall see; an error is not an answer's to hide and stays one. */
  static RuntimeException forCaller(Throwable e, VolumeSource source) {
    String message = source.explain(String.valueOf(e.getMessage()));
    return switch (e) {
      case Error error -> throw error;
      case VolumeException v -> new InvalidRequestException(message, e);
      case InputException i -> new InvalidRequestException(message, e);
      case IllegalArgumentException i -> new InvalidRequestException(message, e);
      case MedPrunerException m -> new LangChain4jException(message, e);
      case RuntimeException r -> r;
      default -> new LangChain4jException(message, e);
    };
  }
}
