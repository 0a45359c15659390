package org.medpruner.eval.phantom;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A phantom as a NIfTI-1 file, int16, axes L, P, I. Not compressed: a deflater's bytes differ from
 * one zlib to another, and the same seed must give the same file everywhere.
 */
final class PhantomNifti {
  private static final int HEADER = 352;

  /** Length of every file. */
  static final int BYTES = HEADER + 2 * Phantom.SIZE * Phantom.SIZE * Phantom.SLICES;

  private PhantomNifti() {}

  static byte[] bytes(Phantom phantom) {
    short[] hu = phantom.hu();
    ByteBuffer b = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(0, 348);
    short[] dim = {3, Phantom.SIZE, Phantom.SIZE, Phantom.SLICES, 1, 1, 1, 1};
    float pixel = (float) Phantom.PIXEL_MM;
    float slice = (float) Phantom.SLICE_MM;
    float[] pixdim = {1, pixel, pixel, slice};
    for (int i = 0; i < dim.length; i++) {
      b.putShort(40 + 2 * i, dim[i]);
    }
    for (int i = 0; i < pixdim.length; i++) {
      b.putFloat(76 + 4 * i, pixdim[i]);
    }
    b.putShort(70, (short) 4).putShort(72, (short) 16); // int16
    b.putFloat(108, HEADER).putFloat(112, 1);
    b.put(123, (byte) 2); // mm
    b.putShort(254, (short) 1); // sform: scanner
    float[][] affine = {
      {-pixel, 0, 0, (float) -Phantom.pixelMm(0)},
      {0, -pixel, 0, (float) -Phantom.pixelMm(0)},
      {0, 0, -slice, (float) -Phantom.sliceMm(0)}
    };
    for (int i = 0; i < 12; i++) {
      b.putFloat(280 + 4 * i, affine[i / 4][i % 4]);
    }
    b.put(344, "n+1\0".getBytes(StandardCharsets.ISO_8859_1));
    b.position(HEADER);
    b.asShortBuffer().put(hu);
    return b.array();
  }
}
