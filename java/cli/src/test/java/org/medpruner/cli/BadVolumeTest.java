package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Volumes that cannot be used: one line, exit code 2, nothing written. */
class BadVolumeTest {
  @TempDir Path folder;

  private void assertRefused(Path volume, String... named) throws IOException {
    Path out = folder.resolve("out");
    CliRun.of(
            "prune",
            "--volume",
            volume.toString(),
            "--json",
            out.resolve("audit.json").toString(),
            "--report",
            out.toString())
        .assertBadInput(named);
    assertEquals(List.of(), CliRun.filesUnder(out), "written although it failed");
  }

  private Path file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  @Test
  void missingFile() throws IOException {
    assertRefused(folder.resolve("nothing.nii.gz"), "nothing.nii.gz");
  }

  @Test
  void notNifti() throws IOException {
    byte[] text = "this is a letter, not a volume\n".repeat(40).getBytes(StandardCharsets.UTF_8);
    assertRefused(file("letter.nii", text), "letter.nii");
    assertRefused(file("empty.nii", new byte[0]), "empty.nii");
  }

  @Test
  void truncated() throws IOException {
    byte[] good = TestVolumes.greyPlanes(8, 1, 2, 3, 4);
    byte[] packed = TestVolumes.gzip(good);
    assertRefused(file("half.nii.gz", Arrays.copyOf(packed, packed.length / 2)), "half.nii.gz");
    assertRefused(file("data.nii", Arrays.copyOf(good, good.length - 1)), "data.nii");
    assertRefused(file("header.nii", Arrays.copyOf(good, 200)), "header.nii");
  }

  @Test
  void unsupportedDatatype() throws IOException {
    byte[] bytes = TestVolumes.nifti(4, 4, 2, TestVolumes.COMPLEX64, 64, new byte[256]);
    assertRefused(file("complex.nii", bytes), "complex.nii", "complex64");
  }

  @Test
  void noSlices() throws IOException {
    byte[] bytes = TestVolumes.nifti(4, 4, 0, TestVolumes.UINT8, 8, new byte[0]);
    assertRefused(file("flat.nii", bytes), "flat.nii");
    assertRefused(Files.createDirectory(folder.resolve("nobody")), "nobody");
  }

  @Test
  void allNan() throws IOException {
    assertRefused(file("nan.nii", TestVolumes.floats(4, 3, Float.NaN)), "nan.nii");
  }

  @Test
  void mixedSizesInAFolder() throws IOException {
    Path slices = Files.createDirectory(folder.resolve("mixed"));
    TestVolumes.png(slices.resolve("1.png"), 8, 8, BufferedImage.TYPE_BYTE_GRAY);
    TestVolumes.png(slices.resolve("2.png"), 8, 9, BufferedImage.TYPE_BYTE_GRAY);
    assertRefused(slices, "2.png");
  }

  @Test
  void sixteenBitsNeedAWindow() throws IOException {
    Path slices = Files.createDirectory(folder.resolve("deep"));
    TestVolumes.png(slices.resolve("1.png"), 8, 8, BufferedImage.TYPE_USHORT_GRAY);
    assertRefused(slices, "1.png", "window");
    CliRun.of("prune", "--volume", slices.toString(), "--window", "0,4000").assertDone();
  }

  @Test
  void frameOutOfRange() throws IOException {
    Path volume = file("one.nii", TestVolumes.greyPlanes(4, 1, 2));
    CliRun.of("prune", "--volume", volume.toString(), "--frame", "3").assertBadInput("one.nii");
  }
}
