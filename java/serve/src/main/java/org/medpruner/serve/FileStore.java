package org.medpruner.serve;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Uploaded volumes, in a temporary folder that only this user can read and that {@link #close}
 * deletes. Bounded: what was not used for longest goes first; what a request waits for stays.
 * Thread-safe.
 */
final class FileStore implements AutoCloseable {
  private static final int MOST_TRIES = 5;

  private final Path root;
  private final long maxFile;
  private final long maxUnpacked;
  private final long maxAll;
  private final SecureRandom random = new SecureRandom();

  /** By id, the one not used for longest first. */
  private final LinkedHashMap<String, StoredFile> files = new LinkedHashMap<>(16, .75f, true);

  /** How many requests need a file. */
  private final Map<String, Integer> holds = new HashMap<>();

  /** Taken by the files and by uploads that are under way. */
  private long used;

  private boolean closed;

  /** Runs when files went. */
  private volatile Runnable onRemoval = () -> {};

  /**
   * An empty store.
   *
   * @param maxFile most bytes of one upload
   * @param maxUnpacked most bytes of what is in a zip file
   * @param maxAll most bytes of all together
   */
  FileStore(long maxFile, long maxUnpacked, long maxAll) {
    this.maxFile = maxFile;
    this.maxUnpacked = maxUnpacked;
    this.maxAll = maxAll;
    try {
      root = Files.createTempDirectory("medpruner-serve-");
    } catch (IOException e) {
      throw new UncheckedIOException("no temporary folder can be made; look at java.io.tmpdir", e);
    }
  }

  /** Has something run, on any thread, whenever files have been deleted. */
  void onRemoval(Runnable action) {
    onRemoval = action;
  }

  /** Begins an upload. */
  Upload begin() {
    return begin("file-" + HexFormat.of().formatHex(randomBytes()));
  }

  private byte[] randomBytes() {
    byte[] bytes = new byte[12];
    random.nextBytes(bytes);
    return bytes;
  }

  private Upload begin(String id) {
    Path folder = root.resolve(id + "-" + HexFormat.of().formatHex(randomBytes()));
    checkOpen();
    try {
      return new Upload(this, id, Files.createDirectory(folder), maxFile, maxUnpacked);
    } catch (IOException e) {
      checkOpen();
      throw new UncheckedIOException("the folder of an upload cannot be made", e);
    }
  }

  /**
   * Stores slices that came with a request; the same ones again are the same file.
   *
   * @param pictures PNG or JPEG files, in order
   */
  StoredFile pictures(List<byte[]> pictures) throws IOException {
    MessageDigest digest = sha256();
    for (byte[] picture : pictures) {
      digest.update((picture.length + ":").getBytes(StandardCharsets.US_ASCII));
      digest.update(picture);
    }
    String id = "pictures-" + HexFormat.of().formatHex(digest.digest()).substring(0, 24);
    synchronized (this) {
      StoredFile known = files.get(id);
      if (known != null) {
        return known;
      }
    }
    try (Upload upload = begin(id)) {
      for (byte[] picture : pictures) {
        upload.next();
        upload.write(picture);
      }
      return upload.finish();
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  /** Fails once this is closed: with 503, where a missing folder would be a defect. */
  synchronized void checkOpen() {
    if (closed) {
      throw ApiError.closing();
    }
  }

  /**
   * Makes room for more bytes of an upload, and counts them.
   *
   * @throws ApiError 507 if there is no room, 503 once this is closed
   */
  void reserve(long bytes) {
    List<StoredFile> gone = new ArrayList<>();
    synchronized (this) {
      checkOpen();
      Iterator<StoredFile> oldest = files.values().iterator();
      while (used + bytes > maxAll && oldest.hasNext()) {
        StoredFile file = oldest.next();
        if (!holds.containsKey(file.id())) {
          oldest.remove();
          used -= file.bytes();
          gone.add(file);
        }
      }
      if (used + bytes <= maxAll) {
        used += bytes;
        bytes = 0;
      }
    }
    erase(gone);
    if (bytes > 0) {
      throw ApiError.full(maxAll);
    }
  }

  /** Gives back what an upload had reserved and does not need. */
  synchronized void release(long bytes) {
    used -= bytes;
  }

  /** Takes a finished upload, whose bytes are reserved. */
  StoredFile add(StoredFile file) {
    StoredFile known;
    synchronized (this) {
      checkOpen();
      known = files.putIfAbsent(file.id(), file);
      if (known == null) {
        return file;
      }
      used -= file.bytes();
    }
    deleteTree(file.folder());
    return known;
  }

  /**
   * A file by its id.
   *
   * @throws ApiError 404 if there is none
   */
  synchronized StoredFile get(String id) {
    StoredFile file = files.get(id);
    if (file == null) {
      throw unknown();
    }
    return file;
  }

  /** What is answered about a file that is not here. */
  static ApiError unknown() {
    // The id is not repeated: it may be anything.
    return ApiError.notFound(
        "file_not_found", "file_id", "no such file here, or not any more; upload it again");
  }

  /** The same, kept until {@link #letGo}. */
  synchronized StoredFile hold(String id) {
    StoredFile file = get(id);
    holds.merge(id, 1, Integer::sum);
    return file;
  }

  /** Ends a {@link #hold}. */
  synchronized void letGo(StoredFile file) {
    holds.computeIfPresent(file.id(), (id, n) -> n == 1 ? null : n - 1);
  }

  /** Whether a file is still there. */
  synchronized boolean has(String id) {
    return files.containsKey(id);
  }

  /**
   * Deletes a file at once. A request that already waits for it fails.
   *
   * @throws ApiError 404 if there is none
   */
  void delete(String id) {
    StoredFile file;
    synchronized (this) {
      file = files.remove(id);
      if (file == null) {
        throw unknown();
      }
      used -= file.bytes();
    }
    erase(List.of(file));
  }

  private void erase(List<StoredFile> gone) {
    gone.forEach(f -> deleteTree(f.folder()));
    if (!gone.isEmpty()) {
      onRemoval.run();
    }
  }

  /** Bytes stored and reserved. */
  synchronized long bytes() {
    return used;
  }

  /** Number of files. */
  synchronized int count() {
    return files.size();
  }

  /** Deletes a folder as far as it can be deleted. */
  static void deleteTree(@Nullable Path folder) {
    if (folder == null) {
      return;
    }
    // More than once: an upload that is being unpacked may add a file before it sees the end.
    for (int tries = 0; Files.exists(folder); tries++) {
      try (Stream<Path> all = Files.walk(folder)) {
        for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(p);
        }
      } catch (IOException | UncheckedIOException e) {
        if (tries == MOST_TRIES) {
          // What is left lies in a folder of this user alone.
          folder.toFile().deleteOnExit();
          return;
        }
      }
    }
  }

  /** Deletes all; uploads under way end at their next bytes. May be called again. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      files.clear();
      holds.clear();
    }
    deleteTree(root);
  }
}
