package org.medpruner.serve;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.VisionLanguageModel;

/**
 * What the model remembers between requests: the pruned tokens of a few volumes, and one
 * conversation's key-value cache, so that a follow-up question prefills itself alone. Nothing an
 * answer needs is here only: what is gone is made again. Used by the worker alone.
 */
final class Encodings implements AutoCloseable {
  /** A volume's tokens are some megabytes; its cache in a conversation is far more. */
  private static final int MOST_VOLUMES = 4;

  private record Key(String file, Reading reading, PruningPolicy policy) {}

  /**
   * An encoded volume.
   *
   * @param input for the audit record
   * @param warnings about the input
   * @param seconds reading took
   * @param sheet its slices
   */
  record Encoded(
      EncodedVolume volume, Audit.Input input, List<String> warnings, double seconds, Sheet sheet) {

    /** A report of an answer with what was known before the model saw the volume. */
    PruningReport complete(PruningReport report) {
      return report.withInput(Map.of("read", seconds), warnings);
    }
  }

  private record Live(
      Encoded of, PromptLayout layout, Conversation conversation, List<Turn> turns) {}

  private final VisionLanguageModel model;
  private final LinkedHashMap<Key, Encoded> volumes = new LinkedHashMap<>(8, .75f, true);
  private @Nullable Live live;

  Encodings(VisionLanguageModel model) {
    this.model = model;
  }

  /** Encodes a volume, unless it is there. */
  Encoded encoded(StoredFile file, Reading reading, PruningPolicy policy, Progress progress) {
    Key key = new Key(file.id(), reading, policy);
    Encoded known = volumes.get(key);
    if (known != null) {
      return known;
    }
    forgetConversation();
    Iterator<Encoded> oldest = volumes.values().iterator();
    while (volumes.size() >= MOST_VOLUMES) {
      oldest.next().volume().close();
      oldest.remove();
    }
    Reading.Read read = reading.read(file);
    progress.update("read", 1, 1);
    Sheet sheet = Sheet.of(read.images());
    Encoded encoded =
        new Encoded(
            model.encode(read.images(), policy, progress),
            Audit.Input.of(read.volume(), file.id()),
            read.volume().provenance().warnings().stream().map(file::withoutPath).toList(),
            read.seconds(),
            sheet);
    volumes.put(key, encoded);
    return encoded;
  }

  /** The conversation with these turns: the one that is there, or one that recalls them. */
  Conversation conversation(
      Encoded volume, PromptLayout layout, List<Turn> past, Progress progress) {
    Live known = live;
    if (known != null && known.of == volume && known.layout == layout && known.turns.equals(past)) {
      return known.conversation;
    }
    forgetConversation();
    Live begun =
        new Live(volume, layout, model.converse(volume.volume(), layout), new ArrayList<>(past));
    live = begun;
    for (Turn turn : past) {
      begun.conversation.recall(turn.question(), turn.answer(), progress);
    }
    return begun.conversation;
  }

  /** The conversation got a further turn. */
  void told(Turn turn) {
    if (live != null) {
      live.turns.add(turn);
    }
  }

  /** Frees the conversation, as after a failure. */
  void forgetConversation() {
    Live known = live;
    live = null;
    if (known != null) {
      known.conversation.close();
    }
  }

  /** Frees what came from files that are gone. */
  void forgetUnless(Predicate<String> fileThere) {
    volumes
        .entrySet()
        .removeIf(
            e -> {
              if (fileThere.test(e.getKey().file())) {
                return false;
              }
              if (live != null && live.of == e.getValue()) {
                forgetConversation();
              }
              e.getValue().volume().close();
              return true;
            });
  }

  @Override
  public void close() {
    forgetUnless(file -> false);
  }
}
