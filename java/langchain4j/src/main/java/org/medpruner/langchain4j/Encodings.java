package org.medpruner.langchain4j;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volume;
import org.medpruner.volume.Volumes;

/**
 * What the model remembers between requests: the pruned tokens of the volumes asked about last, by
 * their content, and the key-value cache of one conversation, so that a further question prefills
 * itself alone. Nothing an answer needs is here only: what is gone is made again. Used by the
 * worker alone.
 */
final class Encodings implements AutoCloseable {
  private record Key(String digest, VolumeReading reading, PruningPolicy policy) {}

  /**
   * An encoded volume.
   *
   * @param input for the audit record
   * @param dicom whether its path may name the patient
   * @param warnings about the input
   * @param seconds reading took
   */
  record Encoded(
      EncodedVolume volume,
      Audit.Input input,
      boolean dicom,
      List<String> warnings,
      double seconds) {

    /** The input under the name that this request has for it. */
    Audit.Input input(VolumeSource source) {
      return dicom
          ? input
          : new Audit.Input(source.name(), input.sha256(), input.shape(), input.spacing());
    }

    /** A report of an answer with what was known before the model saw the volume. */
    PruningReport complete(PruningReport report) {
      return report.withInput(Map.of("read", seconds), warnings);
    }
  }

  private record Live(Encoded of, Conversation conversation, List<Turns.Turn> turns) {}

  private final VisionLanguageModel model;
  private final int most;
  private final LinkedHashMap<Key, Encoded> volumes = new LinkedHashMap<>(8, .75f, true);
  private @Nullable Live live;

  /**
   * Nothing remembered yet.
   *
   * @param most volumes to keep, at least 1
   */
  Encodings(VisionLanguageModel model, int most) {
    this.model = model;
    this.most = most;
  }

  /** Encodes a volume, unless it is there. */
  Encoded encoded(VolumeSource source, Wanted wanted, Progress progress) {
    Key key = new Key(source.digest(), wanted.reading(), wanted.policy());
    Encoded known = volumes.get(key);
    if (known != null) {
      return known;
    }
    forgetConversation();
    Iterator<Encoded> oldest = volumes.values().iterator();
    while (volumes.size() >= most) {
      oldest.next().volume().close();
      oldest.remove();
    }
    Encoded encoded = encode(source, wanted, progress);
    volumes.put(key, encoded);
    return encoded;
  }

  private Encoded encode(VolumeSource source, Wanted wanted, Progress progress) {
    long start = System.nanoTime();
    VolumeReading how = wanted.reading();
    Volume volume = source.read(path -> Volumes.read(path, how.options()));
    SliceImages images =
        volume
            .slices(how.axis(), how.reverse())
            .sample(how.maxSlices())
            .images(Recipe.forModality(how.modality(), volume));
    double seconds = (System.nanoTime() - start) / 1e9;
    progress.update("read", 1, 1);
    return new Encoded(
        model.encode(images, wanted.policy(), progress),
        Audit.Input.of(volume),
        volume.provenance().format().equals("DICOM"),
        volume.provenance().warnings().stream().map(source::explain).toList(),
        seconds);
  }

  /** The conversation with these turns: the one that is there, or one that recalls them. */
  Conversation conversation(Encoded volume, Wanted wanted, List<Turns.Turn> past, Progress p) {
    Live known = live;
    if (known != null && known.of.volume().equals(volume.volume()) && known.turns.equals(past)) {
      return known.conversation;
    }
    forgetConversation();
    Live begun =
        new Live(
            volume,
            model.converse(volume.volume(), wanted.generation().layout()),
            new ArrayList<>(past));
    live = begun;
    for (Turns.Turn turn : past) {
      begun.conversation.recall(turn.question(), turn.answer(), p);
    }
    return begun.conversation;
  }

  /** The conversation got a further turn. */
  void told(Turns.Turn turn) {
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

  @Override
  public void close() {
    forgetConversation();
    volumes.values().forEach(v -> v.volume().close());
    volumes.clear();
  }
}
