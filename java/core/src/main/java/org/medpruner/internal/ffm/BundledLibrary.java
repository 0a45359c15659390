package org.medpruner.internal.ffm;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.medpruner.MedPrunerException;

/**
 * The library inside the natives jar, copied to {@code <cache>/<sha256>/<file>}. Any number of
 * processes may do so at once: each writes a file of its own and moves it into place. What lies
 * there already is used only if its hash is right.
 */
final class BundledLibrary {
  static final String CACHE_PROPERTY = "medpruner.cache.dir";

  private BundledLibrary() {}

  static Path extract(String platform) throws IOException {
    String folder = "META-INF/native/" + platform + "/";
    Properties properties = new Properties();
    try (InputStream in = resource(folder + "natives.properties")) {
      if (in == null) {
        throw new MedPrunerException(
            "no resource "
                + folder
                + "natives.properties; put medpruner-natives on the class path, or on the module path"
                + " with --add-modules medpruner.natives");
      }
      properties.load(in);
    }
    String file = property(properties, "file", "[A-Za-z0-9._-]+");
    String sha256 = property(properties, "sha256", "[0-9a-f]{64}");
    Path cache = cacheFolder();
    Path target = cache.resolve(sha256).resolve(file);
    if (Files.isRegularFile(target) && sha256.equals(hash(Files.newInputStream(target)))) {
      return target;
    }
    try {
      copy(folder + file, target, sha256);
    } catch (IOException e) {
      throw new MedPrunerException(
          "cannot extract to " + cache + " (" + e + "); set -D" + CACHE_PROPERTY + "=FOLDER", e);
    }
    return target;
  }

  private static String property(Properties properties, String key, String pattern) {
    String value = properties.getProperty(key, "").strip();
    if (!value.matches(pattern)) {
      throw new MedPrunerException("natives.properties: bad " + key + " \"" + value + "\"");
    }
    return value;
  }

  private static Path cacheFolder() {
    String configured = System.getProperty(CACHE_PROPERTY);
    return configured != null
        ? Path.of(configured).toAbsolutePath()
        : Path.of(System.getProperty("user.home", "."), ".cache", "medpruner").toAbsolutePath();
  }

  private static void copy(String resource, Path target, String sha256) throws IOException {
    Path folder = target.getParent();
    if (folder == null) {
      throw new IOException("no folder for " + target);
    }
    Files.createDirectories(folder);
    Path temporary = Files.createTempFile(folder, target.getFileName() + ".", ".part");
    try {
      try (InputStream in = resource(resource)) {
        if (in == null) {
          throw new MedPrunerException("no resource " + resource);
        }
        Files.copy(in, temporary, StandardCopyOption.REPLACE_EXISTING);
      }
      String actual = hash(Files.newInputStream(temporary));
      if (!actual.equals(sha256)) {
        throw new MedPrunerException(
            resource + " has SHA-256 " + actual + ", but natives.properties says " + sha256);
      }
      try {
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static @Nullable InputStream resource(String name) {
    InputStream in = null;
    ClassLoader own = BundledLibrary.class.getClassLoader();
    if (own != null) {
      in = own.getResourceAsStream(name);
    }
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return in == null && context != null ? context.getResourceAsStream(name) : in;
  }

  private static String hash(InputStream stream) throws IOException {
    try (InputStream in = stream) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (DigestInputStream hashed = new DigestInputStream(in, digest)) {
        byte[] block = new byte[1 << 16];
        while (hashed.read(block) >= 0) {
          // Reading is what feeds the digest.
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
