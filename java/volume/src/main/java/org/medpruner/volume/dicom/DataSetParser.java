package org.medpruner.volume.dicom;

import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads a data set up to its pixels and keeps what {@link Tag} lists. */
final class DataSetParser {
  /** Structured reports nest about ten deep. */
  private static final int MAX_DEPTH = 32;

  /** No kept value comes near; longer ones are skipped. */
  private static final int MAX_VALUE = 1 << 14;

  /** Frames of one object. */
  static final int MAX_ITEMS = 1 << 17;

  /** What an item or a value takes besides its bytes, about. */
  private static final int OBJECT_BYTES = 64;

  private static final long UNDEFINED = 0xFFFFFFFFL;

  private static final Set<String> LONG_FORM =
      Set.of("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV");

  private static final Set<String> SHORT_FORM =
      Set.of(
          "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL",
          "SS", "ST", "TM", "UI", "UL", "US");

  /** Whether the two letters are a value representation. */
  static boolean isVr(String vr) {
    return LONG_FORM.contains(vr) || SHORT_FORM.contains(vr);
  }

  /**
   * Head of the element that holds the pixels.
   *
   * @param tag which of the three it is
   * @param words whether its value representation is OW
   * @param length in bytes, -1 for encapsulated fragments
   */
  record PixelElement(int tag, boolean words, long length) {}

  /** How elements are encoded. */
  private record Encoding(boolean explicit, ByteOrder order) {}

  /**
   * Content of a sequence that a writer without its definition passed on as UN: implicit VR little
   * endian whatever is around it.
   */
  private static final Encoding UNKNOWN_CONTENT = new Encoding(false, ByteOrder.LITTLE_ENDIAN);

  private record Element(int tag, String vr, long length) {
    boolean undefined() {
      return length == UNDEFINED;
    }
  }

  private final DicomStream in;
  private final Encoding encoding;
  private long keepable;
  private @Nullable PixelElement pixels;

  /**
   * For one data set.
   *
   * @param keepable how many bytes may be kept in memory
   */
  DataSetParser(DicomStream in, boolean explicit, ByteOrder order, long keepable) {
    this.in = in;
    this.encoding = new Encoding(explicit, order);
    this.keepable = keepable;
  }

  /** The element at which {@link #dataSet} stopped, null when it met the end. */
  @Nullable PixelElement pixels() {
    return pixels;
  }

  /** The elements of group 2, which start here. */
  DataSet fileMeta() throws DicomException {
    DataSet meta = new DataSet(encoding.order);
    byte[] next = in.peek(2);
    while (next.length == 2 && DicomStream.u16(next, 0, encoding.order) == 2) {
      element(meta, head(encoding), in.position() + in.remaining(), 0, encoding);
      next = in.peek(2);
    }
    return meta;
  }

  /** Everything before the pixels; the stream is left at their first byte. */
  DataSet dataSet() throws DicomException {
    DataSet set = new DataSet(encoding.order);
    while (!in.atEnd()) {
      Element e = head(encoding);
      if (e.tag == Tag.PIXEL_DATA
          || e.tag == Tag.FLOAT_PIXEL_DATA
          || e.tag == Tag.DOUBLE_PIXEL_DATA) {
        pixels =
            new PixelElement(
                e.tag, !encoding.explicit || e.vr.equals("OW"), e.undefined() ? -1 : e.length);
        return set;
      }
      element(set, e, in.position() + in.remaining(), 0, encoding);
    }
    return set;
  }

  private Element head(Encoding c) throws DicomException {
    int tag = in.u16(c.order) << 16 | in.u16(c.order);
    if (tag >>> 16 == 0xFFFE) {
      return new Element(tag, "", in.u32(c.order));
    }
    if (!c.explicit) {
      return new Element(tag, Tag.SEQUENCES.contains(tag) ? "SQ" : "", in.u32(c.order));
    }
    String vr = new String(in.bytes(2), StandardCharsets.ISO_8859_1);
    if (LONG_FORM.contains(vr)) {
      in.skip(2);
      return new Element(tag, vr, in.u32(c.order));
    }
    if (!SHORT_FORM.contains(vr)) {
      // The width of its length would be a guess: the standard has 32 bits, some writers 16.
      throw vr.matches("[A-Z]{2}")
          ? new DicomException(
              "corrupt, or an element has an unknown value representation; convert the file with"
                  + " gdcmconv or export it again")
          : corrupt();
    }
    return new Element(tag, vr, in.u16(c.order));
  }

  private void element(DataSet into, Element e, long end, int depth, Encoding c)
      throws DicomException {
    if (e.tag >>> 16 == 0xFFFE) {
      throw corrupt();
    }
    if (!e.undefined() && e.length > end - in.position()) {
      throw DicomStream.truncated();
    }
    boolean unknown = e.vr.equals("UN");
    if (Tag.SEQUENCES.contains(e.tag) && (unknown || e.vr.equals("SQ"))) {
      into.put(e.tag, items(e, end, depth + 1, unknown ? UNKNOWN_CONTENT : c));
    } else if (e.undefined()) {
      skipItems(end, depth + 1, unknown ? UNKNOWN_CONTENT : c);
    } else if (Tag.VALUES.contains(e.tag) && e.length <= MAX_VALUE) {
      keep(e.length);
      into.put(e.tag, in.bytes(e.length));
    } else {
      in.skip(e.length);
    }
  }

  private List<DataSet> items(Element sequence, long end, int depth, Encoding c)
      throws DicomException {
    List<DataSet> items = new ArrayList<>();
    long stop = sequence.undefined() ? end : in.position() + sequence.length;
    while (sequence.undefined() || in.position() < stop) {
      long length = itemLength(stop, depth, c);
      if (length < 0) {
        return items;
      }
      if (items.size() == MAX_ITEMS) {
        throw new DicomException("more than " + MAX_ITEMS + " frames in one file; split it");
      }
      keep(0);
      DataSet item = new DataSet(c.order);
      itemContent(item, length, stop, depth, c);
      items.add(item);
      if (sequence.tag != Tag.PER_FRAME_GROUPS) {
        // Of the others nobody asks for more than the first.
        if (sequence.undefined()) {
          skipItems(end, depth, c);
        } else {
          in.skip(stop - in.position());
        }
        return items;
      }
    }
    return items;
  }

  /** Accounts for something of so many bytes. */
  private void keep(long bytes) throws DicomException {
    keepable -= OBJECT_BYTES + bytes;
    if (keepable < 0) {
      throw new DicomException(
          "the header describes more than a file of its size can hold; export the series again");
    }
  }

  private void skipItems(long end, int depth, Encoding c) throws DicomException {
    for (long length = itemLength(end, depth, c); length >= 0; length = itemLength(end, depth, c)) {
      if (length == UNDEFINED) {
        itemContent(new DataSet(c.order), length, end, depth, c);
      } else {
        in.skip(length);
      }
    }
  }

  /** Length of the item that starts here; -1 at the end of the sequence. */
  private long itemLength(long end, int depth, Encoding c) throws DicomException {
    if (depth > MAX_DEPTH) {
      throw new DicomException(
          "sequences nest more than " + MAX_DEPTH + " deep; export the series again");
    }
    Element e = head(c);
    if (e.tag == Tag.SEQUENCE_END) {
      return -1;
    }
    if (e.tag != Tag.ITEM) {
      throw corrupt();
    }
    if (!e.undefined() && e.length > end - in.position()) {
      throw DicomStream.truncated();
    }
    return e.length;
  }

  private void itemContent(DataSet item, long length, long end, int depth, Encoding c)
      throws DicomException {
    boolean undefined = length == UNDEFINED;
    long stop = undefined ? end : in.position() + length;
    while (undefined || in.position() < stop) {
      Element e = head(c);
      if (undefined && e.tag == Tag.ITEM_END) {
        return;
      }
      element(item, e, stop, depth, c);
    }
  }

  private static DicomException corrupt() {
    return new DicomException(
        "corrupt: what should be an element is none; copy or export the file again");
  }
}
