package org.medpruner.volume.dicom;

import java.io.ByteArrayOutputStream;
import java.nio.ByteOrder;
import java.security.MessageDigest;

/**
 * The items of encapsulated pixels, put together to frames. The offset tables are not needed (and
 * often missing or wrong): RLE has one item per frame, and a codestream begins with what cannot
 * stand inside one.
 */
final class Fragments {
  private static final int ITEM_HEAD = 8;

  private final DicomStream in;
  private final boolean oneItemPerFrame;
  private boolean started;

  /**
   * The stream is at the first item, the offset table.
   *
   * @param oneItemPerFrame false when items are joined until one begins a codestream
   */
  Fragments(DicomStream in, boolean oneItemPerFrame) {
    this.in = in;
    this.oneItemPerFrame = oneItemPerFrame;
  }

  /** The bytes of the next frame. */
  byte[] next() throws DicomException {
    if (!started) {
      started = true;
      in.skip(item());
    }
    byte[] first = in.bytes(item());
    if (oneItemPerFrame || !continues()) {
      return first;
    }
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.writeBytes(first);
    while (continues()) {
      frame.writeBytes(in.bytes(item()));
    }
    return frame.toByteArray();
  }

  /** Takes all items, for a digest to see what those behind the offset table hold. */
  void digest(MessageDigest digest) throws DicomException {
    in.skip(item());
    for (byte[] ahead = in.peek(ITEM_HEAD);
        ahead.length == ITEM_HEAD && tag(ahead) == Tag.ITEM;
        ahead = in.peek(ITEM_HEAD)) {
      in.digest(item(), digest);
    }
  }

  /** Whether an item with something in it follows. */
  boolean more() throws DicomException {
    byte[] ahead = in.peek(ITEM_HEAD);
    return ahead.length == ITEM_HEAD
        && tag(ahead) == Tag.ITEM
        && (DicomStream.u16(ahead, 4, ByteOrder.LITTLE_ENDIAN)
                | DicomStream.u16(ahead, 6, ByteOrder.LITTLE_ENDIAN))
            != 0;
  }

  /** Whether an item follows that begins no codestream. */
  private boolean continues() throws DicomException {
    byte[] ahead = in.peek(ITEM_HEAD + 4);
    return ahead.length == ITEM_HEAD + 4
        && tag(ahead) == Tag.ITEM
        && !Codestream.begins(ahead, ITEM_HEAD);
  }

  private static int tag(byte[] b) {
    return DicomStream.u16(b, 0, ByteOrder.LITTLE_ENDIAN) << 16
        | DicomStream.u16(b, 2, ByteOrder.LITTLE_ENDIAN);
  }

  /** Length of the item whose head is taken. */
  private long item() throws DicomException {
    int tag = tag(in.bytes(4));
    long length = in.u32(ByteOrder.LITTLE_ENDIAN);
    if (tag == Tag.SEQUENCE_END) {
      throw new DicomException(
          "truncated: fewer compressed frames than the header states; copy the file again");
    }
    if (tag != Tag.ITEM) {
      throw new DicomException(
          "corrupt: the compressed pixels are not made of items; copy the file again");
    }
    return length;
  }
}
