package org.medpruner.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;

/** Small volumes made on the spot, and where the shipped ones are. */
final class TestVolumes {
  static final int UINT8 = 2;
  static final int INT16 = 4;
  static final int FLOAT32 = 16;
  static final int COMPLEX64 = 32;

  private TestVolumes() {}

  static Path root() {
    String root = System.getenv("MEDPRUNER_ROOT");
    return Path.of(root == null ? "../.." : root).toAbsolutePath().normalize();
  }

  static void skipUnless(boolean condition, String reason) {
    if (!condition) {
      System.out.println("skipped: " + reason);
    }
    assumeTrue(condition, reason);
  }

  static Path demoModel() {
    Path demo = root().resolve("models/demo");
    skipUnless(Files.exists(demo.resolve("config.json")), "no demo checkpoint at " + demo);
    return demo;
  }

  static Path phantom(int number) {
    return demoModel().resolve("phantoms/phantom_0" + number + ".nii.gz");
  }

  /** The real head MRI, which is not part of the sources. */
  static Path headMri() {
    Path file = root().resolve("../shared/data/ch2.nii.gz").normalize();
    skipUnless(Files.exists(file), "the head MRI is not at " + file);
    return file;
  }

  /**
   * A NIfTI-1 file with an identity affine, so slices are presented from the last plane to the
   * first.
   *
   * @param data voxels, x fastest
   */
  static byte[] nifti(int nx, int ny, int nz, int datatype, int bits, byte[] data) {
    ByteBuffer b = ByteBuffer.allocate(352 + data.length).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(0, 348);
    short[] dim = {3, (short) nx, (short) ny, (short) nz, 1, 1, 1, 1};
    for (int i = 0; i < 8; i++) {
      b.putShort(40 + 2 * i, dim[i]);
      b.putFloat(76 + 4 * i, 1);
    }
    b.putShort(70, (short) datatype);
    b.putShort(72, (short) bits);
    b.putFloat(108, 352);
    b.putShort(254, (short) 1);
    for (int row = 0; row < 3; row++) {
      b.putFloat(280 + 16 * row + 4 * row, 1);
    }
    b.put(344, "n+1\0".getBytes(StandardCharsets.US_ASCII));
    b.put(352, data);
    return b.array();
  }

  /** Uint8 planes, each of one grey level, listed as presented: superior first. */
  static byte[] greyPlanes(int side, int... levels) {
    byte[] data = new byte[side * side * levels.length];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) levels[levels.length - 1 - i / (side * side)];
    }
    return nifti(side, side, levels.length, UINT8, 8, data);
  }

  static byte[] floats(int side, int planes, float value) {
    ByteBuffer data = ByteBuffer.allocate(4 * side * side * planes).order(ByteOrder.LITTLE_ENDIAN);
    while (data.hasRemaining()) {
      data.putFloat(value);
    }
    return nifti(side, side, planes, FLOAT32, 32, data.array());
  }

  static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gz = new GZIPOutputStream(out)) {
      gz.write(bytes);
    }
    return out.toByteArray();
  }

  static void png(Path file, int width, int height, int imageType) throws IOException {
    ImageIO.write(new BufferedImage(width, height, imageType), "png", file.toFile());
  }
}
