package org.medpruner.volume.dicom;

import java.nio.ByteOrder;
import java.util.List;

/**
 * What a JPEG or JPEG 2000 codestream says of itself, checked before a decoder sees it: the
 * decoders allocate, and may calculate for hours, by what a damaged header claims.
 */
public final class Codestream {
  private static final int SOC = 0xFF4F;
  private static final int SIZ = 0xFF51;
  private static final int COD = 0xFF52;
  private static final int COC = 0xFF53;
  private static final int SOT = 0xFF90;
  private static final int SOI = 0xFFD8;
  private static final int EOI = 0xFFD9;
  private static final int SOS = 0xFFDA;
  private static final int SOF_LOSSLESS = 0xFFC3;

  /** How far from the end of a frame its end marker may be. */
  private static final int MAX_PADDING = 32;

  /** No encoder of medical pictures tiles finer. */
  private static final long MAX_TILES = 4096;

  /** Quality layers; encoders write 1 to 50. */
  private static final int MAX_LAYERS = 256;

  /** The decoder keeps books of each: 32 x 32 pixels of a picture of 4096 x 4096 are 22,000. */
  private static final long MAX_PRECINCTS = 1 << 16;

  /** Of a codestream in the boxes of a JP2 file; what is at 4. */
  private static final long JP2_SIGNATURE = 0x6A502020L;

  /** What the JDK's decoder calls missing or broken data; it fills the rest with grey. */
  private static final List<String> DAMAGE =
      List.of("Premature end", "Corrupt JPEG", "Truncated File");

  private Codestream() {}

  /** Whether a warning of the JDK's JPEG decoder means that pixels are missing or wrong. */
  public static boolean meansDamage(String warning) {
    return DAMAGE.stream().anyMatch(warning::contains);
  }

  /** Whether a codestream begins at {@code at}, where four bytes are. */
  static boolean begins(byte[] b, int at) {
    // SOI cannot stand in entropy coded JPEG data; SOC alone can in JPEG 2000's, with SIZ it is
    // as unlikely as 32 given bits.
    return u16(b, at) == SOI || u16(b, at) == SOC && u16(b, at + 2) == SIZ;
  }

  /** Whether the end marker is among the last bytes; some writers pad with what they have. */
  private static boolean ends(byte[] b) {
    for (int at = b.length - 2; at >= Math.max(0, b.length - MAX_PADDING); at--) {
      if (u16(b, at) == EOI) {
        return true;
      }
    }
    return false;
  }

  /**
   * Refuses a JPEG that is not of the size that the header states, or of more bits.
   *
   * @return where its frame header begins
   */
  static int checkJpeg(byte[] b, PixelFormat format) throws DicomException {
    if (b.length < 4 || u16(b, 0) != SOI) {
      throw damaged("no JPEG");
    }
    int at = 2;
    while (true) {
      while (at + 1 < b.length && u16(b, at) == 0xFFFF) {
        at++;
      }
      if (at + 4 > b.length) {
        throw damaged("JPEG without a frame");
      }
      int marker = u16(b, at);
      int length = u16(b, at + 2);
      boolean frame = marker >= 0xFFC0 && marker <= 0xFFCF && (marker & 3) != 0 || marker == 0xFFC0;
      if (marker < 0xFF01 || marker == SOS || marker == EOI || length < 2) {
        throw damaged("JPEG without a frame");
      }
      if (frame) {
        break;
      }
      at += 2 + length;
    }
    if (at + 10 > b.length) {
      throw damaged("truncated JPEG");
    }
    int depth = b[at + 4] & 0xff;
    if (depth == 12 && u16(b, at) != SOF_LOSSLESS) {
      throw new DicomException(
          "the pixels are encoded as JPEG Extended of 12 bits, which is not supported; convert the"
              + " files first with dcmdjpeg (dcmtk) or gdcmconv --raw");
    }
    if (depth > format.bitsAllocated()) {
      throw damaged("JPEG of another depth");
    }
    checkSize(u16(b, at + 7), u16(b, at + 5), b[at + 9] & 0xff, format);
    return at;
  }

  /**
   * Lets a lossless JPEG of 2 to 7, 9, 11, 13 or 15 bits state the next number of bits that the
   * decoder takes. Prediction begins in the middle of the range, so that all samples come out
   * higher by the same number, for every predictor hands a constant on.
   *
   * @param at where the frame header begins
   * @return that number
   */
  static int raiseLosslessDepth(byte[] b, int at) {
    int depth = b[at + 4] & 0xff;
    int taken = Math.max(8, depth + depth % 2);
    if (u16(b, at) != SOF_LOSSLESS || depth < 2 || depth > 16 || depth == taken) {
      return 0;
    }
    b[at + 4] = (byte) taken;
    return (1 << taken - 1) - (1 << depth - 1);
  }

  /** The same of JPEG 2000, and one that is not whole: its decoder makes the rest up. */
  static void checkJpeg2000(byte[] b, PixelFormat format) throws DicomException {
    if (b.length > 8 && u32(b, 4) == JP2_SIGNATURE) {
      throw unsupported("JPEG 2000 in the boxes of a JP2 file");
    }
    if (b.length < 6 || u16(b, 0) != SOC || u16(b, 2) != SIZ) {
      throw damaged("no JPEG 2000 codestream");
    }
    int at = 2;
    boolean coded = false;
    for (int marker = SIZ; marker != SOT; marker = u16(b, at)) {
      int length = u16(b, at + 2);
      if (length < 2 || at + 2 + length + 2 > b.length) {
        throw damaged("truncated JPEG 2000");
      }
      switch (marker) {
        case SIZ -> checkSiz(b, at, length, format);
        case COD -> {
          coded = true;
          int layers = length < 12 ? 0 : u16(b, at + 6);
          if (layers < 1) {
            throw damaged("JPEG 2000 without layers");
          }
          if (layers > MAX_LAYERS) {
            throw unsupported("JPEG 2000 of " + layers + " layers");
          }
          checkCoding(b, at + 9, (b[at + 4] & 1) != 0, at + 2 + length, format);
        }
        case COC -> throw unsupported("JPEG 2000 with components of their own coding");
        default -> {
          if (marker < 0xFF00) {
            throw damaged("corrupt JPEG 2000");
          }
        }
      }
      at += 2 + length;
    }
    if (!coded) {
      throw damaged("corrupt JPEG 2000");
    }
    if (!ends(b)) {
      throw damaged("truncated JPEG 2000");
    }
  }

  private static void checkSiz(byte[] b, int at, int length, PixelFormat format)
      throws DicomException {
    if (length < 41) {
      throw damaged("corrupt JPEG 2000");
    }
    long width = u32(b, at + 6);
    long height = u32(b, at + 10);
    long tileWidth = u32(b, at + 22);
    long tileHeight = u32(b, at + 26);
    int components = u16(b, at + 38);
    // Offsets of image and tiles: medical encoders leave them at 0.
    boolean shifted = (u32(b, at + 14) | u32(b, at + 18) | u32(b, at + 30) | u32(b, at + 34)) != 0;
    checkSize(width, height, components, format);
    if (tileWidth == 0 || tileHeight == 0 || length != 38 + 3 * components) {
      throw damaged("JPEG 2000 with impossible tiles");
    }
    if (shifted) {
      throw unsupported("JPEG 2000 off the origin of its grid");
    }
    long tiles = parts(width, tileWidth) * parts(height, tileHeight);
    if (tiles > MAX_TILES) {
      throw unsupported("JPEG 2000 of " + tiles + " tiles");
    }
    for (int c = 0; c < components; c++) {
      int depth = (b[at + 40 + 3 * c] & 0x7f) + 1;
      if (depth > format.bitsAllocated() || u16(b, at + 41 + 3 * c) != 0x0101) {
        throw damaged("JPEG 2000 of another depth");
      }
    }
  }

  /** Levels, code blocks and precincts. */
  private static void checkCoding(byte[] b, int at, boolean precincts, int end, PixelFormat format)
      throws DicomException {
    int levels = b[at] & 0xff;
    int blockX = b[at + 1] & 0xff;
    int blockY = b[at + 2] & 0xff;
    boolean possible = levels <= 32 && blockX <= 8 && blockY <= 8 && blockX + blockY <= 8;
    if (!possible || end < at + 5 + (precincts ? levels + 1 : 0)) {
      throw damaged("JPEG 2000 with impossible coding");
    }
    if (precincts) {
      checkPrecincts(b, at + 5, levels, format);
    }
  }

  /** Their sizes, of the lowest resolution first, are powers of two, a byte for both exponents. */
  private static void checkPrecincts(byte[] b, int at, int levels, PixelFormat format)
      throws DicomException {
    // Behind SIZ, which comes first and is checked by now.
    long tileWidth = Math.min(format.columns(), u32(b, 2 + 22));
    long tileHeight = Math.min(format.rows(), u32(b, 2 + 26));
    long ofTile = 0;
    for (int i = 0; i <= levels; i++) {
      int p = b[at + i] & 0xff;
      if (i > 0 && ((p & 15) == 0 || p >> 4 == 0)) {
        throw damaged("JPEG 2000 with impossible precincts");
      }
      // One more each way, for a tile need not begin where a precinct does.
      ofTile +=
          (parts(parts(tileWidth, 1L << levels - i), 1L << (p & 15)) + 1)
              * (parts(parts(tileHeight, 1L << levels - i), 1L << (p >> 4)) + 1);
    }
    long tiles = parts(format.columns(), tileWidth) * parts(format.rows(), tileHeight);
    long all = ofTile * tiles * format.samples();
    if (all > MAX_PRECINCTS) {
      throw unsupported("JPEG 2000 of " + all + " precincts");
    }
  }

  /** How many parts of a size cover a length. */
  private static long parts(long length, long size) {
    return (length - 1) / size + 1;
  }

  private static void checkSize(long width, long height, int components, PixelFormat format)
      throws DicomException {
    if (width != format.columns() || height != format.rows() || components != format.samples()) {
      throw new DicomException(
          "the compressed picture is "
              + width
              + " x "
              + height
              + " of "
              + components
              + " components, the header states "
              + format.columns()
              + " x "
              + format.rows()
              + " of "
              + format.samples()
              + "; export the series again");
    }
  }

  private static int u16(byte[] b, int at) {
    return DicomStream.u16(b, at, ByteOrder.BIG_ENDIAN);
  }

  private static long u32(byte[] b, int at) {
    return (long) u16(b, at) << 16 | u16(b, at + 2);
  }

  private static DicomException damaged(String what) {
    return new DicomException(
        "the compressed pixels are damaged (" + what + "); copy the file again");
  }

  private static DicomException unsupported(String what) {
    return new DicomException(
        "the pixels are encoded as "
            + what
            + ", which is not supported; convert the files first with gdcmconv --raw (GDCM)");
  }
}
