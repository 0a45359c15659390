package org.medpruner.volume.dicom;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tells which files hold a picture that another one holds already. Hashes are all that is kept of
 * pictures: of the pixels as they are stored, and where those differ as they are decoded, for
 * archives encode copies anew.
 */
final class Copies {
  /** A damaged frame may keep its decoder busy for half a minute, and a thread without an end. */
  private static final int MAX_FAILURES = 4;

  private final Map<String, Alike> identities = new HashMap<>();
  private int failures;

  /** The different pictures of one identity. */
  private static final class Alike {
    final Path firstPath;
    final ImageHeader first;

    /** Empty while there is but one. */
    final Set<String> stored = new HashSet<>();

    final Set<String> decoded = new HashSet<>();
    boolean firstTried;
    boolean firstDecodes;

    Alike(Path firstPath, ImageHeader first) {
      this.firstPath = firstPath;
      this.first = first;
    }
  }

  /**
   * Whether the picture of a file is there already; if not, it is from now on. That headers say so
   * is not enough: anonymised pictures of two times, or of two series made one, may differ in
   * nothing but their pixels.
   *
   * @param file the file, open, its pixels not read
   */
  boolean holds(Path path, ImageHeader header, DicomFile file) {
    Alike alike = identities.get(header.identity());
    if (alike == null) {
      identities.put(header.identity(), new Alike(path, header));
      return false;
    }
    try {
      if (alike.stored.isEmpty()) {
        try (DicomFile first = DicomFile.open(alike.firstPath, null)) {
          alike.stored.add(stored(first, alike.first));
        }
      }
      if (!alike.stored.add(stored(file, header))) {
        return true;
      }
    } catch (DicomException e) {
      // Damaged, which is said where it is read.
      return statedAlike(header, alike.first);
    }
    if (!alike.firstTried) {
      alike.firstTried = true;
      String first = decoded(alike.firstPath, alike.first);
      alike.firstDecodes = first != null && alike.decoded.add(first);
    }
    String decoded = decoded(path, header);
    boolean seen = decoded != null && !alike.decoded.add(decoded);
    return seen || (decoded == null || !alike.firstDecodes) && statedAlike(header, alike.first);
  }

  /** What has to do where a picture cannot be decoded. */
  private static boolean statedAlike(ImageHeader a, ImageHeader b) {
    return !a.syntax.equals(b.syntax)
        && !a.instanceUid.isEmpty()
        && a.instanceUid.equals(b.instanceUid)
        && a.instanceStated;
  }

  /** The hash of the pixels that belong to frames, without offset table and trailing elements. */
  private static String stored(DicomFile file, ImageHeader header) throws DicomException {
    DataSetParser.PixelElement pixels = pixels(file);
    MessageDigest digest = started(header);
    update(digest, header.syntax.uid() + " " + pixels.words() + " " + header.format);
    if (pixels.length() < 0) {
      new Fragments(file.stream(), true).digest(digest);
    } else {
      long wanted = (long) header.format.frameBytes() * header.frames.size();
      file.stream().digest(Math.min(wanted, pixels.length()), digest);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * The hash of the stored values, whatever the width and the sign they are stored with; null when
   * they cannot be decoded.
   */
  private @Nullable String decoded(Path path, ImageHeader header) {
    if (failures >= MAX_FAILURES
        || header.syntax.pixels() == TransferSyntax.PixelEncoding.UNSUPPORTED) {
      return null;
    }
    MessageDigest digest = started(header);
    try (DicomFile file = DicomFile.open(path, null)) {
      StoredFrames frames = new StoredFrames(file, header, pixels(file));
      StoredValues values = new StoredValues(header, frames, false);
      for (int f = 0; f < header.frames.size(); f++) {
        update(digest, values.convert(frames.next()), header.format);
      }
    } catch (DicomException e) {
      failures++;
      return null;
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static DataSetParser.PixelElement pixels(DicomFile file) throws DicomException {
    DataSetParser.PixelElement pixels = file.pixels();
    if (pixels == null) {
      throw DicomStream.truncated();
    }
    return pixels;
  }

  /** A digest that has seen what the header says of the pictures, as far as a reader uses it. */
  private static MessageDigest started(ImageHeader h) {
    MessageDigest digest = DicomFile.sha256();
    PixelFormat format = h.format;
    update(
        digest,
        h.modality
            + " "
            + format.rows()
            + " "
            + format.columns()
            + " "
            + format.samples()
            + " "
            // White and black change places about the middle of what can be stored.
            + (format.inverted() ? format.bitsStored() + " " + format.signed() : ""));
    for (FrameInfo f : h.frames) {
      Plane p = f.plane;
      update(digest, f.slope + " " + f.intercept + Arrays.toString(f.frameOrder));
      if (p != null) {
        update(
            digest,
            Arrays.toString(p.origin)
                + Arrays.toString(p.alongRow)
                + Arrays.toString(p.alongColumn)
                + p.columnSpacing
                + " "
                + p.rowSpacing);
      }
    }
    return digest;
  }

  private static void update(MessageDigest digest, String text) {
    digest.update((text + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /** All as numbers of 64 bits. */
  private static void update(MessageDigest digest, byte[] values, PixelFormat format) {
    int width = format.bytesPerSample();
    int unused = 64 - 8 * width;
    ByteBuffer row = ByteBuffer.allocate(8 * format.columns() * format.samples());
    for (int at = 0; at < values.length; at += width) {
      long v = 0;
      for (int k = width - 1; k >= 0; k--) {
        v = v << 8 | values[at + k] & 0xff;
      }
      row.putLong(format.signed() ? v << unused >> unused : v);
      if (!row.hasRemaining()) {
        digest.update(row.flip());
        row.clear();
      }
    }
  }
}
