package org.medpruner.volume.dicom;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One series of a file or folder, found and ordered, its pixels not yet read. Not thread-safe.
 *
 * <p>What is unusual ends in {@link #warnings}, what cannot be used in a {@link DicomException}.
 */
public final class DicomSeries {
  private final DicomTree tree;
  private final SliceStacking stack;
  private final ImageHeader header;
  private final List<String> warnings;
  private final boolean hounsfield;
  private final boolean inverted;

  /** Takes a slice as it is read. */
  public interface Sink {
    /**
     * Little-endian stored values, row by row.
     *
     * @param slice 0-based, low to high
     */
    void slice(int slice, byte[] values);
  }

  /**
   * What was read besides the pixels.
   *
   * @param sha256 of the file; of several, of their own hashes, sorted, one line each
   * @param slices what each slice holds
   */
  public record Pixels(String sha256, List<Stored> slices) {}

  /**
   * The stored values of one slice, of grey pixels.
   *
   * @param min smallest that is not padding; above {@code max} when there is none
   * @param max largest
   * @param padding values (both ends included) that mean "no measurement" in the slice's file; null
   *     when the slice has none of them
   */
  public record Stored(long min, long max, long @Nullable [] padding) {}

  private DicomSeries(DicomTree tree, SliceStacking stack, List<String> warnings) {
    this.tree = tree;
    this.stack = stack;
    this.header = stack.slices.get(0).header();
    this.warnings = warnings;
    this.hounsfield = stack.slices.stream().allMatch(s -> s.header().hounsfield);
    // Hounsfield units are absolute: dark and bright are the window's business.
    this.inverted = header.format.inverted() && !hounsfield;
  }

  /**
   * Whether a file starts like DICOM.
   *
   * @param bare whether a data set without the 128 bytes and "DICM" before it counts, which is told
   *     by eight bytes
   */
  public static boolean isDicom(Path file, boolean bare) throws IOException {
    byte[] start = DicomTree.start(file);
    return bare ? DicomFile.looksLikeDicom(start) : DicomFile.isPart10(start);
  }

  /** Whether any file below a folder starts like DICOM. */
  public static boolean holdsDicom(Path folder) throws IOException {
    return DicomTree.holdsDicom(folder);
  }

  /**
   * Finds a series.
   *
   * @param path a DICOM file, or a folder that is searched to its depth
   * @param wanted which series, see the README; null for the largest
   * @param frame which picture of planes that have several, 0 for the first
   * @return null for a folder without anything DICOM in it
   */
  public static @Nullable DicomSeries find(Path path, @Nullable String wanted, int frame)
      throws DicomException {
    boolean folder = Files.isDirectory(path);
    DicomTree tree = folder ? DicomTree.folder(path) : DicomTree.file(path);
    if (folder && tree.isEmpty()) {
      return null;
    }
    List<String> warnings = new ArrayList<>();
    Series series =
        SeriesChoice.choose(
            Series.group(tree.slices()), Series.group(tree.localizers()), wanted, warnings);
    tree.report(series, warnings);
    SliceStacking stack = SliceStacking.of(series.slices(), frame, warnings);
    DicomSeries found = new DicomSeries(tree, stack, warnings);
    found.warnAboutValues(series);
    return found;
  }

  private void warnAboutValues(Series series) {
    if (header.localizer) {
      warnings.add("this is a localizer image");
    }
    if (header.format.inverted()) {
      warnings.add(
          inverted
              ? "MONOCHROME1: the lowest value is white; values were inverted"
              : "MONOCHROME1: the lowest value is meant to be white; Hounsfield units were kept");
    }
    if (header.modality.equals("CT") && samples() == 1 && !hounsfield) {
      warnings.add(
          stack.slices.stream().allMatch(s -> s.header().unit.isEmpty())
              ? "the header of this CT states no rescaling to Hounsfield units: values are as they"
                  + " are stored"
              : "the header states that this CT's values are not Hounsfield units");
    }
    if (stack.slices.stream().anyMatch(s -> s.header().paddingMalformed)) {
      warnings.add("the header's padding value cannot be read; no voxel was taken for padding");
    }
    if (stack.frames > 1) {
      warnings.add(
          "every slice position holds "
              + stack.frames
              + " pictures (echoes, time points or reconstructions): number "
              + stack.frame
              + " (from 0) was read");
    } else if (series.slices().stream().map(s -> s.header().repetition.echo()).distinct().count()
        > 1) {
      warnings.add("the series mixes echoes");
    }
  }

  public int columns() {
    return header.format.columns();
  }

  public int rows() {
    return header.format.rows();
  }

  public int slices() {
    return stack.slices.size();
  }

  /** Pictures that every slice position has. */
  public int frames() {
    return stack.frames;
  }

  /** Which of them was chosen. */
  public int frame() {
    return stack.frame;
  }

  /** 1 for grey, 3 for RGB of 8 bits. */
  public int samples() {
    return header.format.samples();
  }

  /** Of one stored value of a slice: 8, 16 or 32. */
  public int bits(int slice) {
    return stack.slices.get(slice).header().format.bitsAllocated();
  }

  /** Whether a slice's stored values are two's complement. */
  public boolean signed(int slice) {
    return stack.slices.get(slice).header().format.signed();
  }

  /** "CT", "MR", ...; "" when unstated. */
  public String modality() {
    return header.modality;
  }

  /** Whether scaled values are Hounsfield units. */
  public boolean hounsfield() {
    return hounsfield;
  }

  /** Voxel (column, row, slice) to RAS mm, rows x, y, z of four; null when unknown. */
  public double @Nullable [][] affine() {
    double[][] lps = stack.affine;
    if (lps == null) {
      return null;
    }
    double[][] ras = new double[4][4];
    for (int c = 0; c < 4; c++) {
      ras[0][c] = -lps[0][c];
      ras[1][c] = -lps[1][c];
      ras[2][c] = lps[2][c];
    }
    ras[3][3] = 1;
    return ras;
  }

  /** RAS mm by which each slice lies off its place in {@link #affine}. */
  public double[][] deviations() {
    double[][] out = new double[stack.deviations.length][];
    for (int i = 0; i < out.length; i++) {
      double[] d = stack.deviations[i];
      out[i] = new double[] {-d[0], -d[1], d[2]};
    }
    return out;
  }

  /** Factor of a slice's stored values. */
  public double slope(int slice) {
    return stack.slices.get(slice).info().slope;
  }

  /** Addend of a slice's stored values. */
  public double intercept(int slice) {
    return stack.slices.get(slice).info().intercept;
  }

  /** What a reader should know, one line each. */
  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  /** Reads the pixels, file by file; a slice may come in any order. */
  public Pixels read(Sink sink) throws DicomException {
    Map<Integer, List<Integer>> byFile = new LinkedHashMap<>();
    for (int i = 0; i < stack.slices.size(); i++) {
      byFile.computeIfAbsent(stack.slices.get(i).file(), f -> new ArrayList<>()).add(i);
    }
    List<String> hashes = new ArrayList<>();
    Stored[] stored = new Stored[stack.slices.size()];
    for (Map.Entry<Integer, List<Integer>> e : byFile.entrySet()) {
      try {
        hashes.add(file(e.getKey(), e.getValue(), sink, stored));
      } catch (DicomException x) {
        throw tree.blamed(e.getKey(), x);
      }
    }
    String sha = hashes.get(0);
    if (hashes.size() > 1) {
      MessageDigest d = DicomFile.sha256();
      String listing = hashes.stream().sorted().map(h -> h + "\n").collect(Collectors.joining());
      d.update(listing.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      sha = HexFormat.of().formatHex(d.digest());
    }
    return new Pixels(sha, List.of(stored));
  }

  private void warnAboutFrames(ImageHeader header) throws DicomException {
    if (!header.framesStated) {
      throw new DicomException(
          "the header states no number of frames, and there are pixels of more than one; export the"
              + " series again");
    }
    String warning = "the file holds more frames than its header states; they were not read";
    if (!warnings.contains(warning)) {
      warnings.add(warning);
    }
  }

  private String file(int file, List<Integer> slices, Sink sink, Stored[] stored)
      throws DicomException {
    MessageDigest digest = DicomFile.sha256();
    try (DicomFile open = DicomFile.open(tree.path(file), digest)) {
      ImageHeader now = ImageHeader.of(open);
      DataSetParser.PixelElement pixels = open.pixels();
      ImageHeader before = stack.slices.get(slices.get(0)).header();
      if (now == null
          || pixels == null
          || !now.isLike(before)
          || !now.format.equals(before.format)
          || now.frames.size() != before.frames.size()) {
        throw new DicomException("changed while it was read; read again");
      }
      Map<Integer, Integer> wanted = new LinkedHashMap<>();
      int last = 0;
      for (int s : slices) {
        int frame = stack.slices.get(s).info().frame;
        wanted.put(frame, s);
        last = Math.max(last, frame);
      }
      StoredFrames frames = new StoredFrames(open, now, pixels);
      StoredValues values = new StoredValues(now, frames, inverted);
      long[] padding = now.padding(inverted);
      for (int f = 0; f <= last; f++) {
        Integer slice = wanted.get(f);
        if (slice == null) {
          frames.skip();
        } else {
          sink.slice(slice, values.convert(frames.next()));
          stored[slice] = values.stored(padding);
        }
      }
      if (frames.more()) {
        warnAboutFrames(now);
      }
      open.drain();
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
