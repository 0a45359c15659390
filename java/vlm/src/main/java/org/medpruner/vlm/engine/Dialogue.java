package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.PruningReport.Savings;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.Sampling;
import org.medpruner.vlm.TokenModel.Generation;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.KvCache;

/**
 * A pruned prompt, answers and further text in one sequence, and the key-value cache of it. Used by
 * one thread at a time; the {@link Pipeline} sees to that.
 */
final class Dialogue implements AutoCloseable {
  /**
   * How to answer.
   *
   * @param maxNewTokens at least 1
   * @param stops ids that end the answer
   * @param watcher sees every id that is not a stop; an ending of its own ends the answer
   */
  record Request(
      int maxNewTokens,
      Set<Integer> stops,
      Sampling sampling,
      IntFunction<@Nullable Ending> watcher) {}

  private static final String NEW_CONVERSATION = "begin a new conversation";

  private final Decoder decoder;
  private final PrunedVolume volume;
  private @Nullable Session session;
  private boolean over;

  /** Every id of the sequence, those that are not in the cache yet included. */
  private final List<Integer> sequence = new ArrayList<>();

  /** Ids at the end of the sequence that are not in the cache yet. */
  private final List<Integer> pending = new ArrayList<>();

  /** Tokens that pruning left out. */
  private int pruned;

  /** Seconds of prefill that no answer has been charged with yet. */
  private double recalling;

  Dialogue(Decoder decoder, PrunedVolume volume) {
    this.decoder = decoder;
    this.volume = volume;
  }

  /** Whether a prompt has been taken. */
  boolean begun() {
    return session != null;
  }

  /** Tokens of the sequence as it would be without pruning. */
  int unprunedLength() {
    return sequence.size() + pruned;
  }

  /**
   * Takes the pruned prompt and answers it; once.
   *
   * @throws InputException if it does not fit the model's context or vocabulary
   */
  Generation begin(PrunedPrompt prompt, Request request, Progress progress) {
    Session fresh = open(prompt, 0);
    return answer(fresh, prompt.length(), request, progress, () -> prefill(fresh));
  }

  /**
   * Takes the pruned prompt and an answer to it; instead of {@link #begin}.
   *
   * @throws InputException if they do not fit the model's context or vocabulary
   */
  void recall(PrunedPrompt prompt, int[] answer, Progress progress) {
    checkVocabulary(answer);
    Session fresh = open(prompt, answer.length);
    over = true;
    long start = System.nanoTime();
    progress.update(Progress.PREFILL, 0, prompt.length());
    try (PointerScope scope = new PointerScope()) {
      prefill(fresh);
    }
    progress.update(Progress.PREFILL, prompt.length(), prompt.length());
    recalling += StageTimes.since(start);
    append(answer);
    over = false;
  }

  /**
   * Takes more text and an answer to it; they are run with what is asked next.
   *
   * @throws InputException if they do not fit the model's context or vocabulary; nothing is changed
   *     then
   */
  void recall(int[] text, int[] answer) {
    Session current = current();
    checkVocabulary(text);
    checkVocabulary(answer);
    checkContext(
        current.nextPosition() + pending.size() + text.length + answer.length, NEW_CONVERSATION);
    append(text);
    append(answer);
  }

  private Tensor prefill(Session fresh) {
    volume.lifetime().begin();
    try {
      return fresh.prefill(volume.tokens());
    } finally {
      volume.lifetime().end();
    }
  }

  private Session open(PrunedPrompt prompt, int further) {
    for (int i = 0; i < prompt.length(); i++) {
      // The id at a visual token's place stands for no text.
      if (prompt.feature()[i] < 0) {
        checkVocabulary(prompt.ids()[i]);
      }
    }
    checkContext(
        prompt.nextPosition() + further,
        prompt.renumbered()
            ? "prune more (raise gamma, lower tau), give fewer slices or ask less"
            : "they are those of the prompt before pruning (positions = ORIGINAL), so give fewer"
                + " slices, ask less or set positions = RENUMBERED");
    Session fresh = new Session(decoder, prompt);
    session = fresh;
    pruned = prompt.fullLength() - prompt.length();
    for (int id : prompt.ids()) {
      sequence.add(id);
    }
    return fresh;
  }

  private Session current() {
    Session current = session;
    if (over || current == null) {
      throw new IllegalStateException("the conversation is over");
    }
    return current;
  }

  private void append(int[] ids) {
    for (int id : ids) {
      pending.add(id);
      sequence.add(id);
    }
  }

  /**
   * Takes more text and answers it.
   *
   * @throws InputException if it does not fit the model's context or vocabulary; nothing is changed
   *     then
   */
  Generation proceed(int[] text, Request request, Progress progress) {
    Session current = current();
    int added = pending.size() + text.length;
    checkVocabulary(text);
    checkContext(current.nextPosition() + added, NEW_CONVERSATION);
    append(text);
    int[] ids = pending.stream().mapToInt(Integer::intValue).toArray();
    pending.clear();
    return answer(current, added, request, progress, () -> current.extend(ids));
  }

  /** A tokenizer of another model, or a wrong id, must not be taken for other text. */
  private void checkVocabulary(int... ids) {
    int size = decoder.config().vocabSize();
    for (int id : ids) {
      if (id >= size) {
        throw new InputException(
            "token "
                + id
                + " is not in the model's vocabulary of "
                + size
                + "; use the tokenizer of this model");
      }
    }
  }

  private void checkContext(long positions, String remedy) {
    int context = decoder.config().contextLength();
    if (positions > context) {
      throw new InputException(
          "the prompt takes "
              + positions
              + " positions, but the model's context has "
              + context
              + "; "
              + remedy);
    }
  }

  private Generation answer(
      Session current, int added, Request request, Progress progress, Supplier<Tensor> prefill) {
    // A failure leaves a sequence whose end is unknown.
    over = true;
    Sampler sampler = new Sampler(request.sampling());
    sequence.forEach(sampler::note);
    int length = sequence.size();
    // The last token generated is never fed back, so it needs no position of its own.
    long room =
        decoder.config().contextLength() - (current.nextPosition() + later(current, added)) + 1;
    int most = (int) Math.min(request.maxNewTokens(), room);
    Map<String, Double> timings = new LinkedHashMap<>();
    long start = System.nanoTime();
    progress.update(Progress.PREFILL, 0, added);
    int next = pick(current, sampler, prefill);
    timings.put(Progress.PREFILL, recalling + StageTimes.since(start));
    recalling = 0;
    progress.update(Progress.PREFILL, added, added);
    long decoding = System.nanoTime();
    List<Integer> ids = new ArrayList<>();
    Ending ending = null;
    while (true) {
      ids.add(next);
      sampler.note(next);
      progress.update(Progress.DECODE, ids.size(), most);
      ending = ending(next, ids.size(), most, request);
      if (ending != null) {
        break;
      }
      int fed = next;
      next = pick(current, sampler, () -> current.step(fed));
    }
    timings.put(Progress.DECODE, StageTimes.since(decoding));
    // What follows brings its own end of turn, so a stop token is not part of the sequence.
    sequence.addAll(ending == Ending.STOP_TOKEN ? ids.subList(0, ids.size() - 1) : ids);
    if (ending != Ending.STOP_TOKEN) {
      pending.add(next);
    }
    over = false;
    return new Generation(
        ids,
        length,
        KvCache.bytes(decoder.config(), length, decoder.elementBytes()),
        ending,
        Reports.asked(volume.report(), savings(length), timings));
  }

  /** Positions that the text about to be run takes; the prompt's are counted already. */
  private static int later(Session current, int added) {
    return current.prefilled() ? added : 0;
  }

  private static @Nullable Ending ending(int id, int count, int most, Request request) {
    if (request.stops().contains(id)) {
      return Ending.STOP_TOKEN;
    }
    Ending wanted = request.watcher().apply(id);
    if (wanted != null) {
      return wanted;
    }
    if (Thread.currentThread().isInterrupted()) {
      return Ending.CANCELLED;
    }
    return count >= most ? Ending.LENGTH : null;
  }

  private static int pick(Session session, Sampler sampler, Supplier<Tensor> hidden) {
    try (PointerScope scope = new PointerScope()) {
      Tensor logits = session.logits(hidden.get(), 1).flatten();
      if (!sampler.greedy()) {
        return sampler.next(TorchTensors.floats(logits));
      }
      int best = Math.toIntExact(logits.argmax().item_long());
      return Sampler.checked(best, logits.narrow(0, best, 1).item_float());
    }
  }

  private Savings savings(int length) {
    return new Savings(
        pruned,
        KvCache.bytes(decoder.config(), length + pruned, decoder.elementBytes())
            - KvCache.bytes(decoder.config(), length, decoder.elementBytes()),
        volume.report().savings().encoderSlices());
  }

  @Override
  public void close() {
    over = true;
    if (session != null) {
      session.close();
    }
  }
}
