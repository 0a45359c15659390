package org.medpruner.eval;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.function.Executable;
import org.medpruner.InputException;

/** Benchmarks in miniature, in the layouts of the real ones. */
public final class TestData {
  private TestData() {}

  /** Writes a text file, with its folders. */
  public static Path text(Path file, String text) {
    try {
      Files.createDirectories(file.getParent());
      return Files.writeString(file, text, UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A square grey picture of one level. */
  public static void picture(Path file, int side, int level) {
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < side * side; i++) {
      image.getRaster().setSample(i % side, i / side, 0, level);
    }
    try {
      Files.createDirectories(file.getParent());
      assertTrue(ImageIO.write(image, "png", file.toFile()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A float32 array as {@code numpy.save} writes it. */
  public static void npy(Path file, String shape, float... values) {
    String header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
    ByteBuffer b = ByteBuffer.allocate(128 + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    b.put((byte) 0x93).put("NUMPY\1\0".getBytes(StandardCharsets.US_ASCII)).putShort((short) 118);
    b.put(header.getBytes(StandardCharsets.US_ASCII));
    while (b.position() < 127) {
      b.put((byte) ' ');
    }
    b.put((byte) '\n');
    for (float v : values) {
      b.putFloat(v);
    }
    write(file, b.array());
  }

  /** A NIfTI-1 file of int16 planes, each of one value, presented from the last to the first. */
  public static void nifti(Path file, int side, int... levels) {
    ByteBuffer b =
        ByteBuffer.allocate(352 + 2 * side * side * levels.length).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(0, 348);
    short[] dim = {3, (short) side, (short) side, (short) levels.length, 1, 1, 1, 1};
    for (int i = 0; i < 8; i++) {
      b.putShort(40 + 2 * i, dim[i]);
      b.putFloat(76 + 4 * i, 1);
    }
    b.putShort(70, (short) 4).putShort(72, (short) 16).putFloat(108, 352).putShort(254, (short) 1);
    for (int row = 0; row < 3; row++) {
      b.putFloat(280 + 16 * row + 4 * row, 1);
    }
    b.put(344, "n+1\0".getBytes(StandardCharsets.US_ASCII));
    b.position(352);
    for (int level : levels) {
      for (int i = 0; i < side * side; i++) {
        b.putShort((short) level);
      }
    }
    write(file, b.array());
  }

  private static void write(Path file, byte[] bytes) {
    try {
      Files.createDirectories(file.getParent());
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The message of the refusal: one line. */
  public static String refusal(Executable action) {
    String message =
        String.valueOf(Assertions.assertThrows(InputException.class, action).getMessage());
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  /** The checkpoint that comes with the sources. */
  public static Path demoModel() {
    String root = System.getenv("MEDPRUNER_ROOT");
    Path demo =
        Path.of(root == null ? "../.." : root).toAbsolutePath().normalize().resolve("models/demo");
    boolean there = Files.exists(demo.resolve("config.json"));
    if (!there) {
      System.out.println("skipped: no demo checkpoint at " + demo);
    }
    assumeTrue(there, "no demo checkpoint at " + demo);
    return demo;
  }
}
