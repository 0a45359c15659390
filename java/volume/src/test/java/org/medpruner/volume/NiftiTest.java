package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading against files written by hand. */
final class NiftiTest {
  @TempDir Path dir;

  /** A datatype with four telling values as the file holds them and as they must read. */
  private static final class Case {
    final int code;
    final int bytes;
    final String name;
    final long[] bits;
    final double[] values;

    Case(int code, int bytes, String name, long[] bits, double[] values) {
      this.code = code;
      this.bytes = bytes;
      this.name = name;
      this.bits = bits;
      this.values = values;
    }
  }

  private static List<Case> cases() {
    double two63 = 0x1p63;
    return List.of(
        new Case(2, 1, "uint8", new long[] {0, 1, 128, 255}, new double[] {0, 1, 128, 255}),
        new Case(256, 1, "int8", new long[] {0, 1, 128, 255}, new double[] {0, 1, -128, -1}),
        new Case(
            4,
            2,
            "int16",
            new long[] {1, 0x7fff, 0x8000, 0xfc00},
            new double[] {1, 32767, -32768, -1024}),
        new Case(
            512,
            2,
            "uint16",
            new long[] {1, 0x7fff, 0x8000, 0xfc00},
            new double[] {1, 32767, 32768, 64512}),
        new Case(
            8,
            4,
            "int32",
            new long[] {258, 0x7fffffffL, 0x80000000L, 0xffffffffL},
            new double[] {258, 2147483647, -2147483648.0, -1}),
        new Case(
            768,
            4,
            "uint32",
            new long[] {258, 0x7fffffffL, 0x80000000L, 0xffffffffL},
            new double[] {258, 2147483647, 2147483648.0, 4294967295.0}),
        new Case(
            1024,
            8,
            "int64",
            new long[] {258, Long.MAX_VALUE, Long.MIN_VALUE, -1},
            new double[] {258, two63, -two63, -1}),
        // 2^63 + 2^10 is halfway between two doubles and goes to the even one below; one more bit
        // tips it up.
        new Case(
            1280,
            8,
            "uint64",
            new long[] {258, Long.MIN_VALUE + 1024, Long.MIN_VALUE + 1025, -1},
            new double[] {258, two63, two63 + 2048, 2 * two63}),
        new Case(
            16,
            4,
            "float32",
            new long[] {0x3f800000L, 0xc2280000L, 0x00000001L, 0x7f7fffffL},
            new double[] {1, -42, 0x1p-149, 0x1.fffffep127}),
        new Case(
            64,
            8,
            "float64",
            new long[] {0x3ff0000000000000L, 0xc045000000000000L, 1, 0x3fb999999999999aL},
            new double[] {1, -42, 0x1p-1074, 0.1}));
  }

  @Test
  void everyDatatypeBothVersionsBothByteOrders() {
    for (Case c : cases()) {
      for (boolean v2 : new boolean[] {false, true}) {
        for (ByteOrder order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
          byte[] data = new byte[4 * c.bytes];
          for (int i = 0; i < 4; i++) {
            for (int k = 0; k < c.bytes; k++) {
              int at = order == ByteOrder.LITTLE_ENDIAN ? k : c.bytes - 1 - k;
              data[i * c.bytes + at] = (byte) (c.bits[i] >>> (8 * k));
            }
          }
          NiftiBytes n = new NiftiBytes(v2, order, c.code, 8 * c.bytes, 2, 1, 2).data(data);
          Volume plain = Volumes.read(n.write(dir.resolve("v.nii")));
          Volume zipped =
              Volumes.read(
                  NiftiBytes.write(dir.resolve("misnamed.nii"), NiftiBytes.gzip(n.bytes())));
          for (Volume v : List.of(plain, zipped)) {
            String what = c.name + (v2 ? " v2 " : " v1 ") + order;
            assertEquals(c.name, v.provenance().dtype());
            assertEquals(v2 ? "NIfTI-2" : "NIfTI-1", v.provenance().format());
            assertEquals(Provenance.Kind.NIFTI, v.provenance().kind());
            assertArrayEquals(
                c.values,
                new double[] {
                  v.value(0, 0, 0), v.value(1, 0, 0), v.value(0, 0, 1), v.value(1, 0, 1)
                },
                what);
          }
        }
      }
    }
  }

  @Test
  void uint64ConvertsLikeExactArithmetic() {
    long[] bits = {-1, -1024, -1025, Long.MIN_VALUE, Long.MIN_VALUE + 3072, 0x8000000000000bffL};
    ByteBuffer b = ByteBuffer.allocate(8 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long v : bits) {
      b.putLong(v);
    }
    Volume v =
        Volumes.read(
            new NiftiBytes(false, ByteOrder.LITTLE_ENDIAN, 1280, 64, bits.length, 1, 1)
                .data(b.array())
                .write(dir.resolve("u64.nii")));
    for (int i = 0; i < bits.length; i++) {
      double exact = new BigInteger(Long.toUnsignedString(bits[i])).doubleValue();
      assertEquals(exact, v.value(i, 0, 0));
    }
  }

  @Test
  void rgb24KeepsItsChannels() {
    NiftiBytes n =
        new NiftiBytes(false, ByteOrder.BIG_ENDIAN, 128, 24, 2, 1, 1)
            .data(new byte[] {1, 2, 3, (byte) 200, (byte) 201, (byte) 202});
    Volume v = Volumes.read(n.write(dir.resolve("rgb.nii")));
    assertEquals(3, v.channels());
    assertEquals(201, v.value(1, 0, 0, 1));
    SliceImages images = v.slices().images(Recipe.forModality(Modality.AUTO, v));
    // Columns run from the patient's right: voxel 1 comes first.
    assertArrayEquals(
        new byte[] {(byte) 200, (byte) 201, (byte) 202, 1, 2, 3}, images.pixels().get(0));
  }

  @Test
  void scalingIsAppliedInDouble() {
    NiftiBytes n = NiftiBytes.int16(3, 1, 1).shorts(-1000, 0, 3).scaling(0.1f, -7.3f);
    Volume v = Volumes.read(n.write(dir.resolve("s.nii")));
    assertEquals(-1000 * (double) 0.1f + (double) -7.3f, v.value(0, 0, 0));
    assertEquals((double) -7.3f, v.value(1, 0, 0));
    assertEquals(3 * (double) 0.1f + (double) -7.3f, v.value(2, 0, 0));
  }

  @ParameterizedTest
  @ValueSource(floats = {0, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void slopeZeroOrNotFiniteMeansNone(float slope) {
    NiftiBytes n = NiftiBytes.int16(2, 1, 1).shorts(5, 6).scaling(slope, 100);
    Volume v = Volumes.read(n.write(dir.resolve("s.nii")));
    assertEquals(5, v.value(0, 0, 0));
    assertEquals(6, v.value(1, 0, 0));
  }

  @Test
  void aChosenFrameOfFour() {
    NiftiBytes n = NiftiBytes.int16(2, 1, 1, 3).shorts(1, 2, 3, 4, 5, 6);
    Path file = n.write(dir.resolve("f.nii"));
    for (int frame = 0; frame < 3; frame++) {
      Volume v = Volumes.read(file, ReadOptions.DEFAULT.withFrame(frame));
      assertEquals(1 + 2 * frame, v.value(0, 0, 0));
      assertEquals(2 + 2 * frame, v.value(1, 0, 0));
      assertEquals(2 + 2 * frame, v.max());
      assertEquals(3, v.provenance().frames());
      assertEquals(frame, v.provenance().frame());
      assertEquals(List.of(2, 1, 1, 3), v.provenance().shape());
      assertTrue(v.provenance().warnings().get(0).contains("frame " + frame + " of 3"));
    }
  }

  @Test
  void extensionsAreSkipped() {
    byte[] extension = new byte[32];
    extension[0] = 32;
    byte[] data = new byte[36];
    System.arraycopy(extension, 0, data, 0, 32);
    data[32] = 9;
    data[34] = 8;
    NiftiBytes n = NiftiBytes.int16(2, 1, 1).data(data).voxOffset(384);
    Volume v = Volumes.read(n.write(dir.resolve("e.nii")));
    assertEquals(9, v.value(0, 0, 0));
    assertEquals(8, v.value(1, 0, 0));
  }

  @Test
  void voxOffsetZeroMeansRightAfterTheHeader() {
    Volume v =
        Volumes.read(
            NiftiBytes.int16(2, 1, 1).shorts(9, 8).voxOffset(0).write(dir.resolve("z.nii")));
    assertEquals(8, v.value(1, 0, 0));
  }

  @Test
  void pairsOfFiles() {
    NiftiBytes n = NiftiBytes.int16(2, 1, 1).voxOffset(0);
    n.header.put(345, (byte) 'i');
    Path hdr = NiftiBytes.write(dir.resolve("p.hdr"), n.header.array());
    Path img = NiftiBytes.write(dir.resolve("p.img"), new byte[] {7, 0, 6, 0});
    for (Path path : List.of(hdr, img)) {
      Volume v = Volumes.read(path);
      assertEquals("NIfTI-1 pair", v.provenance().format());
      assertEquals(Provenance.Kind.NIFTI, v.provenance().kind());
      assertEquals(6, v.value(1, 0, 0));
    }
    assertEquals(
        Hashes.hex(
            (Hashes.hex(n.header.array())
                    + "  p.hdr\n"
                    + Hashes.hex(new byte[] {7, 0, 6, 0})
                    + "  p.img\n")
                .getBytes(java.nio.charset.StandardCharsets.UTF_8)),
        Volumes.read(hdr).provenance().sha256());
  }

  /** Those of the other kind alone, and the one that is read first of all. */
  @Test
  void filesThatAreReadForOne() {
    List<String> names =
        List.of("p", "p.hdr", "p.img", "p.HDR", "p.IMG.GZ", "p.nii", "q.img", "p.hdr.img");
    names.forEach(name -> NiftiBytes.write(dir.resolve(name), new byte[1]));
    assertEquals(List.of("p.hdr", "p.img", "p.IMG.GZ"), filesOf("p.hdr"));
    assertEquals(List.of("p.nii", "p.img", "p.IMG.GZ"), filesOf("p.nii"));
    assertEquals(List.of("p", "p.img", "p.IMG.GZ"), filesOf("p"));
    assertEquals(List.of("p.img", "p.hdr", "p.HDR"), filesOf("p.img"));
    assertEquals(List.of("q.img"), filesOf("q.img"));
    NiftiBytes.write(dir.resolve("p.img.gz"), new byte[1]);
    assertEquals(List.of("p.hdr.gz", "p.img.gz", "p.IMG.GZ", "p.img"), filesOf("p.hdr.gz"));
  }

  private List<String> filesOf(String name) {
    return Volumes.filesOf(dir.resolve(name)).stream().map(FileNames::of).toList();
  }

  @Test
  void pairsWithNamesInCapitals() {
    NiftiBytes n = NiftiBytes.int16(2, 1, 1).voxOffset(0);
    n.header.put(345, (byte) 'i');
    Path hdr = NiftiBytes.write(dir.resolve("P.HDR"), n.header.array());
    Path img = NiftiBytes.write(dir.resolve("P.IMG"), new byte[] {7, 0, 6, 0});
    for (Path path : List.of(hdr, img)) {
      assertEquals(6, Volumes.read(path).value(1, 0, 0));
    }
  }

  /** As pigz, bgzip and cat write them; some tools pad with zeros. */
  @Test
  void gzipOfSeveralMembers() {
    byte[] bytes = NiftiBytes.int16(300, 1, 1).data(new byte[600]).bytes();
    bytes[352] = 5;
    bytes[bytes.length - 2] = 9;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int from = 0; from < bytes.length; from += 100) {
      int to = Math.min(bytes.length, from + 100);
      out.writeBytes(NiftiBytes.gzip(Arrays.copyOfRange(bytes, from, to)));
    }
    for (int padding : new int[] {0, 1, 512}) {
      byte[] stored = Arrays.copyOf(out.toByteArray(), out.size() + padding);
      Volume v = Volumes.read(NiftiBytes.write(dir.resolve("m.nii.gz"), stored));
      assertEquals(5, v.value(0, 0, 0));
      assertEquals(9, v.value(299, 0, 0));
      assertEquals(Hashes.hex(stored), v.provenance().sha256());
    }
  }

  @Test
  void unitsBecomeMillimetres() {
    NiftiBytes n = NiftiBytes.int16(2, 1, 1).shorts(1, 2);
    n.sform(1, 0.002, 0, 0, 0.01, 0, 0.003, 0, 0, 0, 0, 0.004, 0).units(1);
    Volume v = Volumes.read(n.write(dir.resolve("m.nii")));
    assertArrayEquals(new double[] {2, 3, 4}, v.spacingMm(), 1e-6);
    assertEquals(10, v.affine()[0][3], 1e-6);
    n.sform(1, 500, 0, 0, 0, 0, 500, 0, 0, 0, 0, 500, 0).units(3);
    v = Volumes.read(n.write(dir.resolve("m.nii")));
    assertArrayEquals(new double[] {0.5, 0.5, 0.5}, v.spacingMm(), 1e-12);
  }

  @Test
  void manyChunks() {
    // 3.3 million voxels, no power of two: values depend on the place, across every chunk's end.
    int nx = 301;
    int ny = 107;
    int nz = 103;
    ByteBuffer b = ByteBuffer.allocate(2 * nx * ny * nz).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < nx * ny * nz; i++) {
      b.putShort((short) (i * 31));
    }
    Volume v =
        Volumes.read(NiftiBytes.int16(nx, ny, nz).data(b.array()).write(dir.resolve("c.nii")));
    for (int z = 0; z < nz; z++) {
      for (int y = 0; y < ny; y += 7) {
        for (int x = 0; x < nx; x += 5) {
          assertEquals((short) ((x + nx * (y + ny * z)) * 31), v.value(x, y, z));
        }
      }
    }
  }

  @Test
  void nonFiniteVoxelsAreCountedAndBlack() {
    NiftiBytes n =
        new NiftiBytes(false, ByteOrder.LITTLE_ENDIAN, 16, 32, 5, 1, 1)
            .floats(Float.NaN, 10, Float.POSITIVE_INFINITY, 30, Float.NEGATIVE_INFINITY);
    Volume v = Volumes.read(n.write(dir.resolve("n.nii")));
    assertEquals(3, v.nonFinite());
    assertEquals(10, v.min());
    assertEquals(30, v.max());
    assertEquals(
        List.of("3 of 5 voxels are NaN or infinite, shown black"), v.provenance().warnings());
    byte[] p = v.slices().images(Recipe.minMax()).pixels().get(0);
    assertArrayEquals(
        new byte[] {0, 0, 0, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, p, "right to left");
    byte[] w = v.slices().images(Recipe.window(new Window(-100, 5))).pixels().get(0);
    assertArrayEquals(
        new byte[] {0, 0, 0, -1, -1, -1, 0, 0, 0, -1, -1, -1, 0, 0, 0}, w, "right to left");
  }

  @Test
  void nibabelsSampleFiles() throws Exception {
    List<Path> files = new ArrayList<>();
    for (String name : List.of("example_nifti2.nii.gz", "anatomical.nii")) {
      files.add(Resources.copy(name, dir));
    }
    for (Path file : files) {
      nibabelSample(file);
    }
  }

  @Test
  void nibabelsFourDimensionalSample() {
    nibabelSample(TestData.data("example4d.nii.gz"));
  }

  private static void nibabelSample(Path file) {
    String name = FileNames.of(file);
    int frames = Volumes.read(file).provenance().frames();
    for (int frame = 0; frame < frames; frame++) {
      Volume v = Volumes.read(file, ReadOptions.DEFAULT.withFrame(frame));
      assertEquals(Goldens.text(name + "." + frame), Goldens.hashOfDoubles(v.slices()));
      assertEquals(Goldens.text(name + ".codes"), v.provenance().orientation());
      String[] affine = Goldens.text(name + ".affine").split(" ", -1);
      for (int i = 0; i < 16; i++) {
        assertEquals(Double.parseDouble(affine[i]), v.affine()[i / 4][i % 4], 1e-12);
      }
    }
  }

  /** Exported twice, once compressed: each half belongs to the one that is stored as it is. */
  @Test
  void twoPairsOfOneNameInAFolder() {
    for (boolean zipped : new boolean[] {false, true}) {
      // Of other dimensions, so that a mixed pair would not even fit.
      NiftiBytes n = NiftiBytes.int16(zipped ? 3 : 2, 1, 1).voxOffset(0);
      n.header.put(345, (byte) 'i');
      byte[] voxels = zipped ? new byte[] {9, 0, 8, 0, 5, 0} : new byte[] {7, 0, 6, 0};
      String gz = zipped ? ".gz" : "";
      NiftiBytes.write(
          dir.resolve("p.hdr" + gz), zipped ? NiftiBytes.gzip(n.header.array()) : n.header.array());
      NiftiBytes.write(dir.resolve("p.img" + gz), zipped ? NiftiBytes.gzip(voxels) : voxels);
    }
    for (String name : List.of("p.hdr", "p.img")) {
      assertEquals(7, Volumes.read(dir.resolve(name)).max());
      assertEquals(9, Volumes.read(dir.resolve(name + ".gz")).max());
    }
  }

  /** Also where no header is beside them that is compressed as they are. */
  @Test
  void theVoxelsGivenAreTheVoxelsRead() {
    NiftiBytes n = NiftiBytes.int16(2, 1, 1).voxOffset(0);
    n.header.put(345, (byte) 'i');
    NiftiBytes.write(dir.resolve("p.hdr"), n.header.array());
    Path plain = NiftiBytes.write(dir.resolve("p.img"), new byte[] {7, 0, 6, 0});
    Path zipped =
        NiftiBytes.write(dir.resolve("p.img.gz"), NiftiBytes.gzip(new byte[] {9, 0, 8, 0}));
    assertEquals(7, Volumes.read(plain).max());
    assertEquals(9, Volumes.read(zipped).max());
  }

  /** As of a group 8 element of implicit VR: what comes before 0.. is the background of an MRI. */
  @Test
  void voxelsThatLookLikeDicom() {
    NiftiBytes n = NiftiBytes.int16(2, 2, 1).voxOffset(0);
    n.header.put(345, (byte) 'i');
    NiftiBytes.write(dir.resolve("p.hdr"), n.header.array());
    Path img = NiftiBytes.write(dir.resolve("p.img"), new byte[] {8, 0, 5, 0, 3, 0, 0, 0});
    assertEquals(8, Volumes.read(img).max());
  }
}
