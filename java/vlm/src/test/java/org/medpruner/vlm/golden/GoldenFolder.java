package org.medpruner.vlm.golden;

import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.junit.jupiter.api.Assumptions;

/** Where the golden tensors lie, and skips with a reason where they do not. */
public final class GoldenFolder {
  private GoldenFolder() {}

  /** The folder of {@code MEDPRUNER_GOLDEN}, by default {@code ../shared/golden}. */
  public static Path path() {
    String given = System.getenv("MEDPRUNER_GOLDEN");
    if (given != null && !given.isEmpty()) {
      return Path.of(given);
    }
    String root = System.getenv("MEDPRUNER_ROOT");
    return Path.of(root == null ? "../.." : root, "..", "shared", "golden").normalize();
  }

  /** The folder, or a skip when it lacks one of the files. */
  public static Path require(String... files) {
    Path folder = path();
    for (String need : files) {
      assume(Files.exists(folder.resolve(need)), "golden folder " + folder + " has no " + need);
    }
    return folder;
  }

  /** Skips with a reason that is also printed. */
  public static void assume(boolean ok, String reason) {
    if (!ok) {
      System.out.println("SKIPPED: " + reason);
    }
    Assumptions.assumeTrue(ok, reason);
  }

  /** SHA-256 of some memory, in hexadecimal. */
  public static String sha256(MemorySegment memory) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(memory.asByteBuffer());
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
