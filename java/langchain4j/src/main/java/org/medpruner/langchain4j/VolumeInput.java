package org.medpruner.langchain4j;

import java.util.List;
import java.util.Map;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.memory.Encodings;
import org.medpruner.volume.Provenance;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volume;
import org.medpruner.volume.VolumeReading;
import org.medpruner.volume.Volumes;

/**
 * What an answer about a volume tells of its input.
 *
 * @param audited for the audit record
 * @param dicom whether its path may name the patient
 * @param warnings about the input
 * @param seconds reading took
 */
record VolumeInput(Audit.Input audited, boolean dicom, List<String> warnings, double seconds) {
  /** What an encoded volume is known by beside the policy: its content, and how it was read. */
  record Key(String digest, VolumeReading reading) {}

  /**
   * Reads a volume.
   *
   * @throws org.medpruner.volume.VolumeException if it cannot be used
   */
  static Encodings.Slices<VolumeInput> read(
      VolumeSource source, VolumeReading how, Progress progress) {
    long start = System.nanoTime();
    Volume volume = source.read(path -> Volumes.read(path, how.options()));
    SliceImages images = how.images(volume);
    double seconds = (System.nanoTime() - start) / 1e9;
    progress.update(Progress.READ, 1, 1);
    VolumeInput input =
        new VolumeInput(
            Audit.Input.of(volume),
            volume.provenance().kind() == Provenance.Kind.DICOM,
            volume.provenance().warnings().stream().map(source::explain).toList(),
            seconds);
    return new Encodings.Slices<>(images, input);
  }

  /** The input under the name that this request has for it. */
  Audit.Input audited(VolumeSource source) {
    return dicom
        ? audited
        : new Audit.Input(source.name(), audited.sha256(), audited.shape(), audited.spacing());
  }

  /** A report of an answer with what was known before the model saw the volume. */
  PruningReport complete(PruningReport report) {
    return report.withInput(Map.of(Progress.READ, seconds), warnings);
  }
}
