package org.medpruner.vlm.engine;

import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.TokenModel.Generation;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.Prompt;

/** A dialogue in text. */
final class ChatConversation implements Conversation {
  /** Characters that are tokenized at once to see how many tokens a long text has. */
  private static final int PIECE = 1 << 14;

  private final Pipeline pipeline;
  private final ChatFormat format;
  private final PrunedVolume volume;
  private final PromptLayout layout;
  private final Dialogue dialogue;
  private final Lifetime lifetime;

  ChatConversation(Pipeline pipeline, ChatFormat format, PrunedVolume volume, PromptLayout layout) {
    this.pipeline = pipeline;
    this.format = format;
    this.volume = volume;
    this.layout = layout;
    this.dialogue = new Dialogue(pipeline.family().decoder(), volume);
    this.lifetime = new Lifetime("the conversation", dialogue::close);
  }

  @Override
  public Answer ask(
      String question, GenerationOptions options, AnswerListener listener, Progress progress) {
    lifetime.check();
    return pipeline.exclusively(() -> answer(question, options, listener, progress));
  }

  /** As {@link #ask}, for a caller that has the pipeline to itself. */
  Answer answer(
      String question, GenerationOptions options, AnswerListener listener, Progress progress) {
    return whileOpen(
        () -> {
          AnswerText text =
              new AnswerText(format::decode, format::visible, options.stopStrings(), listener);
          Dialogue.Request request =
              new Dialogue.Request(
                  pipeline.newTokens(options.maxNewTokens()),
                  stops(),
                  options.sampling(),
                  id -> lifetime.isClosed() ? Ending.CANCELLED : ending(text.add(id)));
          Generation g =
              dialogue.begun()
                  ? dialogue.proceed(followUp(question), request, progress)
                  : dialogue.begin(pipeline.prune(prompt(question), volume), request, progress);
          int generated = g.tokenIds().size() - (g.ending() == Ending.STOP_TOKEN ? 1 : 0);
          return new Answer(
              text.finish(),
              g.tokenIds(),
              g.promptTokens(),
              dialogue.unprunedLength() - generated,
              g.kvBytes(),
              g.ending(),
              g.report());
        });
  }

  @Override
  public void recall(String question, String answer, Progress progress) {
    lifetime.check();
    pipeline.exclusively(
        () ->
            whileOpen(
                () -> {
                  int[] answered = answerIds(answer);
                  if (dialogue.begun()) {
                    dialogue.recall(followUp(question), answered);
                  } else {
                    dialogue.recall(pipeline.prune(prompt(question), volume), answered, progress);
                  }
                  return true;
                }));
  }

  /**
   * A call that the conversation's memory is not freed under; for a caller that has the pipeline to
   * itself, and with it the text side: a model that is closed frees its tokenizer.
   */
  private <T> T whileOpen(Supplier<T> call) {
    lifetime.begin();
    try {
      return call.get();
    } finally {
      lifetime.end();
    }
  }

  private int[] answerIds(String answer) {
    try {
      checkLength(answer, format::answerIds);
      return format.answerIds(answer);
    } catch (IllegalArgumentException e) {
      throw new InputException("answer: " + e.getMessage(), e);
    }
  }

  private Set<Integer> stops() {
    return pipeline.family().generation().stopTokens();
  }

  /**
   * Refuses a text of which twice the context is not even all: tens of megabytes take the tokenizer
   * half a minute and gigabytes, and nothing can cancel it. Pieces that are cut anywhere have a few
   * tokens more than the text they are of, never twice as many.
   *
   * @throws InputException if it cannot fit
   */
  private void checkLength(String text, Function<String, int[]> encode) {
    int context = pipeline.family().decoder().config().contextLength();
    if (text.length() <= Math.max(context, PIECE)) {
      return;
    }
    long tokens = 0;
    for (int at = 0; at < text.length(); ) {
      int end = Math.min(at + PIECE, text.length());
      if (end < text.length() && Character.isLowSurrogate(text.charAt(end))) {
        end--;
      }
      tokens += encode.apply(text.substring(at, end)).length;
      if (tokens > 2L * context) {
        throw new InputException(
            "the prompt takes more than "
                + tokens
                + " positions, but the model's context has "
                + context
                + "; ask less");
      }
      at = end;
    }
  }

  private static @Nullable Ending ending(AnswerText.State state) {
    return switch (state) {
      case GOES_ON -> null;
      case STOP_STRING -> Ending.STOP_STRING;
      case CANCELLED -> Ending.CANCELLED;
    };
  }

  private Prompt prompt(String question) {
    try {
      checkLength(question, format::followUp);
      return format.prompt(
          layout, volume.report().slices().size(), volume.report().tokensPerSlice(), question);
    } catch (IllegalArgumentException e) {
      throw new InputException("question: " + e.getMessage(), e);
    }
  }

  private int[] followUp(String question) {
    try {
      checkLength(question, format::followUp);
      return format.followUp(question);
    } catch (IllegalArgumentException e) {
      throw new InputException("question: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    lifetime.close();
  }
}
