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
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.medpruner.MedPrunerException;

/**
 * A library inside a jar, copied to {@code <cache>/<sha256>/<file>}. Any number of processes may do
 * so at once: each writes a file of its own and moves it into place. What lies there already is
 * used only if its hash is right. Others may read it as the umask says of any file.
 */
public final class BundledLibrary {
  static final String CACHE_PROPERTY = "medpruner.cache.dir";

  private BundledLibrary() {}

  /**
   * The library of this platform, extracted if it is not yet.
   *
   * @param owner a class whose loader has the resource; the thread's own loader is asked next
   * @param description name of the properties beside the library: file, sha256
   * @param remedy what to do when there is none
   * @throws MedPrunerException in one line, if there is none, or it cannot be extracted
   */
  public static Path extract(Class<?> owner, String description, String remedy) throws IOException {
    String folder = "META-INF/native/" + NativeLibrary.platform() + "/";
    Properties properties = new Properties();
    try (InputStream in = resource(owner, folder + description)) {
      if (in == null) {
        throw new MedPrunerException("no resource " + folder + description + "; " + remedy);
      }
      properties.load(in);
    }
    String file = property(description, properties, "file", "[A-Za-z0-9._-]+");
    String sha256 = property(description, properties, "sha256", "[0-9a-f]{64}");
    Path cache = cacheFolder();
    Path target = cache.resolve(sha256).resolve(file);
    try {
      if (!Files.isRegularFile(target) || !sha256.equals(hash(Files.newInputStream(target)))) {
        copy(owner, folder + file, target, sha256, description);
      }
    } catch (IOException e) {
      throw new MedPrunerException(
          "cannot extract to " + cache + " (" + e + "); set -D" + CACHE_PROPERTY + "=FOLDER", e);
    }
    return target;
  }

  private static String property(
      String description, Properties properties, String key, String pattern) {
    String value = properties.getProperty(key, "").strip();
    if (!value.matches(pattern)) {
      throw new MedPrunerException(description + ": bad " + key + " \"" + value + "\"");
    }
    return value;
  }

  private static Path cacheFolder() {
    String configured = System.getProperty(CACHE_PROPERTY);
    return configured != null
        ? Path.of(configured).toAbsolutePath()
        : Path.of(System.getProperty("user.home", "."), ".cache", "medpruner").toAbsolutePath();
  }

  private static void copy(
      Class<?> owner, String resource, Path target, String sha256, String description)
      throws IOException {
    Path folder = target.getParent();
    if (folder == null) {
      throw new IOException("no folder for " + target);
    }
    Files.createDirectories(folder);
    // Not Files.createTempFile, whose files only their owner may read: one cache may serve many
    // users, as in an image that root filled.
    Path temporary = folder.resolve(target.getFileName() + "." + UUID.randomUUID() + ".part");
    try {
      try (InputStream in = resource(owner, resource)) {
        if (in == null) {
          throw new MedPrunerException("no resource " + resource);
        }
        Files.copy(in, temporary);
      }
      String actual = hash(Files.newInputStream(temporary));
      if (!actual.equals(sha256)) {
        throw new MedPrunerException(
            resource + " has SHA-256 " + actual + ", but " + description + " says " + sha256);
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

  private static @Nullable InputStream resource(Class<?> owner, String name) {
    InputStream in = null;
    ClassLoader own = owner.getClassLoader();
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
