package org.medpruner.vlm.memory;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.SliceImages;

/**
 * What a model remembers between requests: the pruned tokens of the volumes asked about last, and
 * the key-value cache of one conversation, so that a further question prefills itself alone.
 * Nothing an answer needs is here only: what is gone is made again.
 *
 * <p>Owns the volumes and the conversation, not the model, which must stay open until {@link
 * #close}. A volume's tokens are some megabytes, its cache in a conversation is far more: before
 * another volume is encoded the conversation is closed, and then the volumes that were asked for
 * longest ago, until there is room. A conversation is always closed before its volume.
 *
 * <p>Not thread-safe: for the one thread that uses the model. Another one may close it once that
 * thread has ended.
 *
 * @param <K> what a volume is known by beside the policy: its source and how it is read, with
 *     {@code equals}
 * @param <N> what the caller notes about a volume that was read
 */
public final class Encodings<K, N> implements AutoCloseable {
  private record Key<K>(K source, PruningPolicy policy) {}

  private record Live(
      EncodedVolume of, PromptLayout layout, Conversation conversation, List<Turn> turns) {}

  /**
   * A volume that was read.
   *
   * @param <N> what the caller notes
   * @param images for the model; not kept
   * @param notes kept as long as its tokens
   */
  public record Slices<N>(SliceImages images, N notes) {}

  /**
   * A volume that was encoded.
   *
   * @param <N> what the caller notes
   * @param volume its tokens, which are not the caller's to close
   * @param notes of when it was read
   */
  public record Encoded<N>(EncodedVolume volume, N notes) {}

  private final VisionLanguageModel model;
  private final int most;
  private final LinkedHashMap<Key<K>, Encoded<N>> volumes = new LinkedHashMap<>(8, .75f, true);
  private @Nullable Live live;

  /**
   * Nothing remembered yet.
   *
   * @param model must stay open until {@link #close}; not closed here
   * @param most volumes to keep, at least 1
   */
  public Encodings(VisionLanguageModel model, int most) {
    if (most < 1) {
      throw new IllegalArgumentException("most = " + most + ", but it must be >= 1");
    }
    this.model = model;
    this.most = most;
  }

  /**
   * Reads and encodes a volume, unless it is there. What reading or the model throws reaches the
   * caller; the volume is not there then, and room was made all the same.
   *
   * @param source what the volume is known by, with {@code equals}
   * @param policy what is pruned and how; another one is another encoding
   * @param read called at most once, during the call
   * @param progress receives "anchor", "encode" and "prune", if it has to be encoded
   * @return what {@link #ask} takes, until the next call of this or of {@link #forgetUnless}
   */
  public Encoded<N> encoded(
      K source, PruningPolicy policy, Supplier<Slices<N>> read, Progress progress) {
    Key<K> key = new Key<>(source, policy);
    Encoded<N> known = volumes.get(key);
    if (known != null) {
      return known;
    }
    forgetConversation();
    Iterator<Encoded<N>> oldest = volumes.values().iterator();
    while (volumes.size() >= most) {
      oldest.next().volume().close();
      oldest.remove();
    }
    Slices<N> slices = read.get();
    Encoded<N> encoded =
        new Encoded<>(model.encode(slices.images(), policy, progress), slices.notes());
    volumes.put(key, encoded);
    return encoded;
  }

  /**
   * Asks in the conversation with these turns: the one that is there, or one that recalls them. It
   * stays for the next question, unless its cache does not hold what the answer's text says: after
   * a stop string, a cancellation, and whatever is thrown.
   *
   * @param volume given by {@link #encoded}, still remembered
   * @param past turns before this one
   * @param question goes into the family's chat template
   * @param options how to answer it
   * @param listener receives the answer's text while it is generated, and may end it
   * @param progress receives "prefill" and "decode"
   * @return the answer, and what it cost
   * @throws org.medpruner.InputException as {@link Conversation#ask}
   */
  public Answer ask(
      Encoded<N> volume,
      List<Turn> past,
      String question,
      GenerationOptions options,
      AnswerListener listener,
      Progress progress) {
    try {
      Live held = conversation(volume.volume(), options.layout(), past, progress);
      Answer answer = held.conversation.ask(question, options, listener, progress);
      if (answer.ending() == Ending.STOP_TOKEN || answer.ending() == Ending.LENGTH) {
        held.turns.add(new Turn(question, answer.text()));
      } else {
        // The cache has more of the answer than its text, or less.
        forgetConversation();
      }
      return answer;
    } catch (RuntimeException | Error e) {
      forgetConversation();
      throw e;
    }
  }

  private Live conversation(
      EncodedVolume volume, PromptLayout layout, List<Turn> past, Progress progress) {
    Live known = live;
    if (known != null && known.of == volume && known.layout == layout && known.turns.equals(past)) {
      return known;
    }
    forgetConversation();
    Live begun = new Live(volume, layout, model.converse(volume, layout), new ArrayList<>(past));
    live = begun;
    for (Turn turn : past) {
      begun.conversation.recall(turn.question(), turn.answer(), progress);
    }
    return begun;
  }

  /** Frees the conversation, as after a failure. */
  public void forgetConversation() {
    Live known = live;
    live = null;
    if (known != null) {
      known.conversation.close();
    }
  }

  /**
   * Frees the volumes whose source is gone, and the conversation if it is about one of them.
   *
   * @param there whether a source still is; called once for each volume that is remembered
   */
  public void forgetUnless(Predicate<K> there) {
    volumes
        .entrySet()
        .removeIf(
            e -> {
              if (there.test(e.getKey().source())) {
                return false;
              }
              EncodedVolume gone = e.getValue().volume();
              if (live != null && live.of == gone) {
                forgetConversation();
              }
              gone.close();
              return true;
            });
  }

  /** Frees everything; idempotent. */
  @Override
  public void close() {
    forgetConversation();
    forgetUnless(source -> false);
  }
}
