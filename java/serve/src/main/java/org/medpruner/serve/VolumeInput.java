package org.medpruner.serve;

import java.util.List;
import java.util.Map;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.memory.Encodings;

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
  record Key(String file, Reading reading) {}

  /**
   * Reads a file.
   *
   * @throws org.medpruner.volume.VolumeException if it cannot be used
   */
  static Encodings.Slices<VolumeInput> read(StoredFile file, Reading how, Progress progress) {
    Reading.Read read = how.read(file);
    progress.update(Progress.READ, 1, 1);
    VolumeInput input =
        new VolumeInput(
            Audit.Input.of(read.volume(), file.id()),
            read.volume().provenance().warnings().stream().map(file::withoutPath).toList(),
            read.seconds(),
            Sheet.of(read.images()));
    return new Encodings.Slices<>(read.images(), input);
  }

  /** A report of an answer with what was known before the model saw the volume. */
  PruningReport complete(PruningReport report) {
    return report.withInput(Map.of(Progress.READ, seconds), warnings);
  }
}
