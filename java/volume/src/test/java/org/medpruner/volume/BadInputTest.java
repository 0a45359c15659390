package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each bad input ends in one line that names the file and says what to do. */
final class BadInputTest {
  @TempDir Path dir;
  private Path file = Path.of("unset");

  @BeforeEach
  void name() {
    file = dir.resolve("v.nii.gz");
  }

  private static NiftiBytes good() {
    return NiftiBytes.int16(2, 2, 2).shorts(1, 2, 3, 4, 5, 6, 7, 8);
  }

  private void refused(String expected, byte[] bytes) {
    refused(expected, bytes, ReadOptions.DEFAULT);
  }

  private void refused(String expected, byte[] bytes, ReadOptions options) {
    NiftiBytes.write(file, bytes);
    Refusals.assertStarts(
        file + ": " + expected, Refusals.message(() -> Volumes.read(file, options)));
  }

  @Test
  void missing() {
    Refusals.assertStarts(
        file + ": no such file or folder; check", Refusals.message(() -> Volumes.read(file)));
  }

  @Test
  void notReadable() throws IOException {
    good().write(file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    if (Files.isReadable(file)) {
      String reason = "skipped: this user (root) may read every file";
      System.out.println(reason);
      Assumptions.abort(reason);
    }
    Refusals.assertStarts(file + ": permission denied", Refusals.message(() -> Volumes.read(file)));
  }

  @Test
  void notARegularFile() {
    Path device = Path.of("/dev/null");
    Assumptions.assumeTrue(Files.exists(device), "no /dev/null");
    Refusals.assertStarts(
        device + ": not a regular file", Refusals.message(() -> Volumes.read(device)));
  }

  @Test
  void empty() {
    refused("the file is empty", new byte[0]);
    refused("the file is empty", NiftiBytes.gzip(new byte[0]));
  }

  @Test
  void notNifti() {
    refused(
        "neither a NIfTI nor a DICOM file; give", "hello, world".getBytes(StandardCharsets.UTF_8));
    refused("neither a NIfTI nor a DICOM file; give", new byte[4000]);
    refused("neither a NIfTI nor a DICOM file; give", NiftiBytes.gzip(new byte[4000]));
    NiftiBytes magic = good();
    magic.header.put(344, (byte) 'x');
    refused("not a NIfTI file: its magic is neither n+1 nor ni1", magic.bytes());
    magic.header.putInt(344, 0);
    refused("an ANALYZE 7.5 header", magic.bytes());
  }

  @Test
  void aSinglePicture() throws IOException {
    refused("a single picture; give the folder", Resources.bytes("pictures/grey.png"));
    refused("a single picture; give the folder", Resources.bytes("pictures/jpeg-grey.jpg"));
  }

  @Test
  void otherKindsOfFiles() {
    for (String[] c :
        new String[][] {
          {"PK\3\4", "a zip archive; unpack it and give the file or folder in it"},
          {"7z\u00bc\u00af", "a 7z archive; unpack it"},
          {"BZh9", "compressed with bzip2; unpack it"},
          {"\u00fd7zXZ", "compressed with xz; unpack it"},
          {"(\u00b5/\u00fd", "compressed with zstd; unpack it"},
          {"NRRD0005", "an NRRD file; convert it to NIfTI"},
          {"ObjectType = Image", "a MetaImage file; convert it to NIfTI"},
          {"NDims = 3", "a MetaImage file; convert it to NIfTI"},
          {"\u0089HDF", "an HDF5 file, as MINC 2 is; convert it to NIfTI"},
          {"CDF\1", "a NetCDF file, as MINC 1 is; convert it to NIfTI"},
          {"\0\0\0\1", "perhaps an MGH file; convert it to NIfTI with mri_convert"},
          {"II*\0", "a TIFF file; convert its slices to a folder of PNG files"},
          {"MM\0*", "a TIFF file; convert its slices to a folder of PNG files"},
          {"GIF89a", "a GIF file; convert its slices to a folder of PNG files"}
        }) {
      byte[] bytes = Arrays.copyOf(c[0].getBytes(StandardCharsets.ISO_8859_1), 400);
      refused(c[1], bytes);
      refused(c[1], NiftiBytes.gzip(bytes));
    }
  }

  @Test
  void aTarArchive() {
    byte[] bytes = new byte[1024];
    System.arraycopy("scan.nii".getBytes(StandardCharsets.US_ASCII), 0, bytes, 0, 8);
    System.arraycopy("ustar".getBytes(StandardCharsets.US_ASCII), 0, bytes, 257, 5);
    refused("a tar archive; unpack it", NiftiBytes.gzip(bytes));
  }

  @Test
  void truncatedHeader() {
    byte[] bytes = good().bytes();
    refused("truncated: 100 of 348 header bytes", Arrays.copyOf(bytes, 100));
    refused("truncated: 347 of 348", NiftiBytes.gzip(Arrays.copyOf(bytes, 347)));
    refused("vox_offset is 352, beyond the end", Arrays.copyOf(bytes, 348));
    byte[] v2 = new NiftiBytes(true, ByteOrder.BIG_ENDIAN, 2, 8, 1, 1, 1).data(new byte[1]).bytes();
    refused("truncated: 539 of 540", Arrays.copyOf(v2, 539));
  }

  @Test
  void truncatedData() {
    byte[] bytes = good().bytes();
    refused(
        "truncated: the header states 2 x 2 x 2 int16 at byte 352, the file can hold at most 367",
        Arrays.copyOf(bytes, bytes.length - 1));
    refused(
        "truncated: the header states 2 x 2 x 2 int16 at byte 352, but the data ends early",
        NiftiBytes.gzip(Arrays.copyOf(bytes, bytes.length - 1)));
    refused(
        "truncated: the header states 2 x 2 x 2 int16 at byte 352, but the data ends early",
        NiftiBytes.gzip(Arrays.copyOf(bytes, 352)));
    // The first frame is whole, the second is not.
    byte[] frames = NiftiBytes.int16(2, 2, 2, 2).data(new byte[31]).bytes();
    refused("truncated: the header states 2 x 2 x 2 x 2 int16", NiftiBytes.gzip(frames));
    refused("truncated: the header states 2 x 2 x 2 x 2 int16", frames);
  }

  @Test
  void truncatedGzipAtEveryLength() {
    byte[] zipped = NiftiBytes.gzip(good().bytes());
    for (int n = 2; n < zipped.length; n++) {
      refused("truncated gzip: it ends early; copy", Arrays.copyOf(zipped, n));
    }
  }

  @Test
  void corruptGzip() {
    byte[] zipped = NiftiBytes.gzip(good().bytes());
    byte[] crc = zipped.clone();
    crc[zipped.length - 8] ^= 1;
    refused("corrupt gzip (Corrupt GZIP trailer)", crc);
    byte[] length = zipped.clone();
    length[zipped.length - 1] ^= 1;
    refused("corrupt gzip (Corrupt GZIP trailer)", length);
    byte[] block = zipped.clone();
    block[10] |= 6; // reserved block type
    refused("corrupt gzip (", block);
    // The checksum of a 4-D file is verified although frame 0 comes first.
    byte[] frames = NiftiBytes.gzip(NiftiBytes.int16(2, 2, 2, 2).data(new byte[32]).bytes());
    frames[frames.length - 8] ^= 1;
    refused("corrupt gzip (Corrupt GZIP trailer)", frames);
  }

  @ParameterizedTest
  @CsvSource({
    "0,unknown",
    "1,1-bit binary",
    "32,complex64",
    "1536,float128",
    "1792,complex128",
    "2048,complex256",
    "2304,RGBA32",
    "77,not a NIfTI code",
    "-4,not a NIfTI code"
  })
  void datatypes(int code, String name) {
    NiftiBytes n = good();
    n.header.putShort(70, (short) code);
    refused("datatype " + code + " (" + name + ") is not supported; convert", n.bytes());
  }

  @Test
  void dimensions() {
    refused("the file has 0 slices", good().dim(3, 0).bytes());
    refused("dim[1] is 0", good().dim(1, 0).bytes());
    refused("dim[2] is -5", good().dim(2, -5).bytes());
    refused("dim[4] is 0", good().dim(0, 4).dim(4, 0).bytes());
    refused("dim[0] is 0", good().dim(0, 0).bytes());
    refused("dim[0] is 8", good().dim(0, 8).bytes());
    refused("the file has 5 dimensions (dim[5] is 3)", good().dim(0, 5).dim(5, 3).bytes());
    NiftiBytes v2 = new NiftiBytes(true, ByteOrder.LITTLE_ENDIAN, 2, 8, 1, 1, 1).data(new byte[1]);
    refused("dim[1] is 1099511627776, more than 1048576", v2.dim(1, 1L << 40).bytes());
    refused(
        "the dimensions 1048576 x 1048576 x 1048576 x 1048576 overflow",
        v2.dim(0, 4).dim(1, 1 << 20).dim(2, 1 << 20).dim(3, 1 << 20).dim(4, 1 << 20).bytes());
  }

  @Test
  void aLyingHeaderAllocatesNothing() {
    // 32767^3 int16 is 70 TB; as gzip 1032 bytes of data for each stored one at most.
    NiftiBytes n = good().dim(1, 32767).dim(2, 32767).dim(3, 32767);
    refused("truncated: the header states 32767 x 32767 x 32767 int16", n.bytes());
    refused("truncated: the header states 32767 x 32767 x 32767 int16", NiftiBytes.gzip(n.bytes()));
    // Within the ratio, but the data is not there: 4 MB of incompressible tail after one member.
    NiftiBytes small = good().dim(1, 1000).dim(2, 1000).dim(3, 1000);
    byte[] zipped = NiftiBytes.gzip(small.bytes());
    refused(
        "truncated: the header states 1000 x 1000 x 1000 int16",
        Arrays.copyOf(zipped, zipped.length + (4 << 20)));
  }

  @Test
  void aFrameLargerThanTheHeap() throws IOException {
    // A true header over a sparse file: 32767 x 32767 x 256 int16 are 512 GB.
    NiftiBytes n = good().dim(1, 32767).dim(2, 32767).dim(3, 256);
    Assumptions.assumeTrue(Runtime.getRuntime().maxMemory() < 1L << 38, "a heap of 256 GB");
    n.write(file);
    long length = 352 + 2L * 32767 * 32767 * 256;
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(length);
    } catch (IOException e) {
      String reason = "skipped: no sparse file of " + length + " bytes here (" + e + ")";
      System.out.println(reason);
      Assumptions.abort(reason);
    }
    Refusals.assertStarts(
        file + ": one frame takes 524256 MiB, the Java heap is ",
        Refusals.message(() -> Volumes.read(file)));
  }

  @Test
  void aGzipBombIsReadOnlyAsFarAsTheHeaderSays() {
    byte[] bomb = Arrays.copyOf(good().bytes(), 64 << 20);
    NiftiBytes.write(file, NiftiBytes.gzip(bomb));
    Volume v = Volumes.read(file);
    assertEquals(8, v.value(1, 1, 1));
    Refusals.assertContains(
        "much more data than its header states", v.provenance().warnings().toString());
  }

  @Test
  void voxOffset() {
    refused("vox_offset is 1000000, beyond the end of the file", good().voxOffset(1e6).bytes());
    refused("vox_offset is 4, inside the header (at least 352)", good().voxOffset(4).bytes());
    refused("vox_offset is -352.0: the header is damaged", good().voxOffset(-352).bytes());
    refused("vox_offset is NaN: the header is damaged", good().voxOffset(Double.NaN).bytes());
    refused("vox_offset is 1.0E30: the header is damaged", good().voxOffset(1e30).bytes());
    NiftiBytes v2 = new NiftiBytes(true, ByteOrder.LITTLE_ENDIAN, 2, 8, 1, 1, 1).data(new byte[1]);
    v2.header.putLong(168, Long.MAX_VALUE);
    refused("vox_offset is 9223372036854775807: the header is damaged", v2.bytes());
    v2.header.putLong(168, 1L << 61);
    refused("vox_offset is 2305843009213693952, beyond the end", NiftiBytes.gzip(v2.bytes()));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 5, 11})
  void affineNotFinite(int place) {
    double[] rows = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
    for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      rows[place] = bad;
      refused("the affine (sform) has a value that is not finite", good().sform(1, rows).bytes());
    }
  }

  @Test
  void otherAffines() {
    refused(
        "the affine (qform) has a value that is not finite",
        good().sform(0).qform(1, Double.NaN, 0, 0, 0, 0, 0).bytes());
    refused(
        "the affine (pixdim) has a value that is not finite",
        good().sform(0).pixdim(2, Double.POSITIVE_INFINITY).bytes());
    refused("the affine is singular", good().sform(1, new double[12]).bytes());
    refused("the affine is singular", good().sform(1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0).bytes());
    refused("scl_slope is 2.0 but scl_inter is NaN", good().scaling(2, Double.NaN).bytes());
  }

  @Test
  void nothingFinite() {
    NiftiBytes n = new NiftiBytes(false, ByteOrder.LITTLE_ENDIAN, 16, 32, 2, 1, 1);
    refused("every voxel is NaN or infinite", n.floats(Float.NaN, Float.NaN).bytes());
    refused("every voxel is NaN", n.floats(Float.NaN, Float.NEGATIVE_INFINITY).bytes());
  }

  @Test
  void frames() {
    ReadOptions two = ReadOptions.DEFAULT.withFrame(2);
    byte[] bytes = NiftiBytes.int16(2, 1, 1, 2).shorts(1, 2, 3, 4).bytes();
    refused("frame 2 does not exist, the file has 2; choose 0 to 1", bytes, two);
    refused("frame -1 does not exist", bytes, ReadOptions.DEFAULT.withFrame(-1));
    refused("frame 2 does not exist, the file has 1", good().bytes(), two);
  }

  @Test
  void halfAPair() {
    NiftiBytes n = good().voxOffset(0);
    n.header.put(345, (byte) 'i');
    Path hdr = NiftiBytes.write(dir.resolve("p.hdr"), n.header.array());
    Refusals.assertStarts(
        hdr + ": one half of a pair, the voxels should be in p.img",
        Refusals.message(() -> Volumes.read(hdr)));
    Path img = NiftiBytes.write(dir.resolve("q.img"), new byte[16]);
    Refusals.assertStarts(
        img + ": one half of a pair, the header should be in q.hdr",
        Refusals.message(() -> Volumes.read(img)));
    Path shortImg = NiftiBytes.write(dir.resolve("p.img"), new byte[15]);
    Refusals.assertStarts(shortImg + ": truncated", Refusals.message(() -> Volumes.read(hdr)));
  }

  @Test
  void foldersWithoutPictures() throws IOException {
    Refusals.assertStarts(
        dir + ": 0 slices: the folder holds no .png", Refusals.message(() -> Volumes.read(dir)));
    good().write(dir.resolve("a.nii"));
    Refusals.assertContains("give the NIfTI file in it", Refusals.message(() -> Volumes.read(dir)));
    Files.delete(dir.resolve("a.nii"));
    Files.write(dir.resolve("1.dcm"), new byte[3]);
    Refusals.assertContains(
        "and no DICOM; check the path", Refusals.message(() -> Volumes.read(dir)));
  }

  @Test
  void picturesThatCannotBeUsed() throws IOException {
    Resources.copy("pictures/grey.png", dir);
    Path small = Resources.copy("pictures/jpeg-grey.jpg", dir);
    Refusals.assertStarts(
        small + ": 19 x 21 pixels, but grey.png has 16 x 16; all slices",
        Refusals.message(() -> Volumes.read(dir)));
    Files.delete(small);
    Path odd = dir.resolve("zz.png");
    String cannot = odd + ": cannot be read as a picture (";
    Files.writeString(odd, "no picture");
    Refusals.assertStarts(cannot, Refusals.message(() -> Volumes.read(dir)));
    Files.write(odd, new byte[0]);
    Refusals.assertStarts(cannot, Refusals.message(() -> Volumes.read(dir)));
    Files.write(odd, Resources.bytes("pictures/cmyk.jpg"));
    Refusals.assertStarts(cannot, Refusals.message(() -> Volumes.read(dir)));
    for (String whole : new String[] {"pictures/colour.png", "pictures/jpeg-444.jpg"}) {
      byte[] bytes = Resources.bytes(whole);
      for (int cut : new int[] {10, bytes.length / 2, bytes.length - 60}) {
        Files.write(odd, Arrays.copyOf(bytes, cut));
        Refusals.assertStarts(cannot, Refusals.message(() -> Volumes.read(dir)));
      }
    }
    byte[] huge = Resources.bytes("pictures/grey.png");
    huge[16] = 0x7f; // width 2^31
    Files.write(odd, huge);
    Refusals.assertStarts(cannot, Refusals.message(() -> Volumes.read(dir)));
    Files.delete(odd);
    Refusals.assertStarts(
        dir + ": frame 1 does not exist",
        Refusals.message(() -> Volumes.read(dir, ReadOptions.DEFAULT.withFrame(1))));
  }

  @Test
  void oddNamesStayOnOneLine() {
    Path odd = dir.resolve("a\nb.nii");
    Refusals.assertStarts(
        dir.resolve("a?b.nii") + ": no such file", Refusals.message(() -> Volumes.read(odd)));
  }
}
