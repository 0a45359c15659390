package org.medpruner.serve;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.medpruner.volume.SliceStack;

/** The presented slices of a volume as a CT series, explicit little endian, uncompressed. */
final class DicomSeries {
  /** Who must never come out again. */
  static final String PATIENT = "Mustermann^Erika";

  private static final String EXPLICIT = "1.2.840.10008.1.2.1";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private DicomSeries() {}

  /** A file for each slice, the most superior first. */
  static List<byte[]> files(SliceStack slices) {
    List<byte[]> files = new ArrayList<>();
    for (int i = 0; i < slices.count(); i++) {
      files.add(new DicomSeries().file(slices, i));
    }
    return files;
  }

  private byte[] file(SliceStack slices, int index) {
    DicomSeries meta = new DicomSeries();
    meta.text(0x0002, 0x0010, "UI", EXPLICIT);
    double[] values = slices.values(index);
    ByteBuffer pixels = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (double v : values) {
      pixels.putShort((short) Math.round(v));
    }
    out.writeBytes(new byte[128]);
    out.writeBytes("DICM".getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(meta.out.toByteArray());
    text(0x0008, 0x0060, "CS", "CT");
    text(0x0010, 0x0010, "PN", PATIENT);
    text(0x0020, 0x000E, "UI", "1.2.3.4");
    text(0x0020, 0x0013, "IS", Integer.toString(index + 1));
    text(0x0020, 0x0032, "DS", "0\\0\\" + -slices.spacingMm() * index);
    text(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0");
    number(0x0028, 0x0002, 1);
    text(0x0028, 0x0004, "CS", "MONOCHROME2");
    number(0x0028, 0x0010, slices.height());
    number(0x0028, 0x0011, slices.width());
    text(0x0028, 0x0030, "DS", "1\\1");
    number(0x0028, 0x0100, 16);
    number(0x0028, 0x0101, 16);
    number(0x0028, 0x0102, 15);
    number(0x0028, 0x0103, 1);
    head(0x7FE0, 0x0010, "OW");
    out.writeBytes(new byte[2]);
    out.writeBytes(little(4).putInt(pixels.capacity()).array());
    out.writeBytes(pixels.array());
    return out.toByteArray();
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void head(int group, int element, String vr) {
    out.writeBytes(little(4).putShort((short) group).putShort((short) element).array());
    out.writeBytes(vr.getBytes(StandardCharsets.US_ASCII));
  }

  private void number(int group, int element, int value) {
    head(group, element, "US");
    out.writeBytes(little(4).putShort((short) 2).putShort((short) value).array());
  }

  /** Padded to an even length. */
  private void text(int group, int element, String vr, String text) {
    String even = text.length() % 2 == 0 ? text : text + (vr.equals("UI") ? "\0" : " ");
    head(group, element, vr);
    out.writeBytes(little(2).putShort((short) even.length()).array());
    out.writeBytes(even.getBytes(StandardCharsets.US_ASCII));
  }
}
