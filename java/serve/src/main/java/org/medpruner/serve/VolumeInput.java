package org.medpruner.serve;

import java.util.List;
import java.util.Map;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.memory.Encodings;
import org.medpruner.volume.Provenance;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volume;
import org.medpruner.volume.VolumeException;
import org.medpruner.volume.VolumeReading;
import org.medpruner.volume.Volumes;

/**
 * What an answer about a volume tells of its input.
 *
 * @param audited for the audit record
 * @param warnings about the input
 * @param seconds reading took
 * @param sheet its slices
 */
record VolumeInput(Audit.Input audited, List<String> warnings, double seconds, Sheet sheet) {
  /** What an encoded volume is known by beside the policy: the file's id, and how it was read. */
  record Key(String file, VolumeReading reading) {}

  /**
   * Reads a file.
   *
   * @throws org.medpruner.volume.VolumeException if it cannot be used
   */
  static Encodings.Slices<VolumeInput> read(StoredFile file, VolumeReading how, Progress progress) {
    long start = System.nanoTime();
    Volume volume = Volumes.read(file.path(), how.options());
    refuseHoles(file, volume);
    SliceImages images = how.images(volume);
    double seconds = (System.nanoTime() - start) / 1e9;
    progress.update(Progress.READ, 1, 1);
    VolumeInput input =
        new VolumeInput(
            Audit.Input.of(volume, file.id()),
            volume.provenance().warnings().stream().map(file::withoutPath).toList(),
            seconds,
            Sheet.of(images));
    return new Encodings.Slices<>(images, input);
  }

  /** The reader leaves out what is no picture, and has no names here to say so by. */
  private static void refuseHoles(StoredFile file, Volume volume) {
    if (volume.provenance().kind() == Provenance.Kind.PICTURES && file.others() > 0) {
      throw new VolumeException(
          file.id()
              + ": "
              + file.others()
              + " of its files "
              + (file.others() == 1 ? "is" : "are")
              + " neither PNG, JPEG nor BMP, which would be a hole among the slices; leave out what"
              + " is no slice and convert the rest to PNG");
    }
  }

  /** A report of an answer with what was known before the model saw the volume. */
  PruningReport complete(PruningReport report) {
    return report.withInput(Map.of(Progress.READ, seconds), warnings);
  }
}
