package org.medpruner.eval;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * The folder of a run that is being worked on, locked against a second one. The lock is the
 * system's and ends with the process, however that ends.
 */
final class RunFolder implements AutoCloseable {
  private static final String LOCK = ".lock";

  /** How often a lock file that is removed at that very moment is opened anew. */
  private static final int ATTEMPTS = 10;

  private final Path folder;

  /** Whether the folder was made for this run. */
  private final boolean made;

  /** With one byte in it once it is removed, for those who opened it before. */
  private final RandomAccessFile lockFile;

  /** Not a channel: one closes itself when its thread is interrupted, and an answer is lost. */
  private @Nullable RandomAccessFile results;

  private RunFolder(Path folder, boolean made, RandomAccessFile lockFile) {
    this.folder = folder;
    this.made = made;
    this.lockFile = lockFile;
  }

  /**
   * Makes the folder and locks it.
   *
   * @throws InputException if it cannot be written, or another run works on it
   */
  static RunFolder lock(Path folder) {
    IOException problem = null;
    for (int i = 0; i < ATTEMPTS; i++) {
      try {
        boolean made = !Files.exists(folder);
        Files.createDirectories(folder);
        RandomAccessFile file = new RandomAccessFile(folder.resolve(LOCK).toFile(), "rw");
        if (claim(file, folder)) {
          return new RunFolder(folder, made, file);
        }
        problem = new IOException("its .lock is of a run that is ending");
      } catch (IOException e) {
        // Or the folder was removed in between, with its lock.
        problem = e;
      }
    }
    throw unwritable(folder, Objects.requireNonNull(problem));
  }

  /**
   * Locks an open lock file.
   *
   * @return whether it is still that of the folder. False where the run that made it took it away
   *     between opening and locking: a lock on it would keep nobody out. What the folder has
   *     instead cannot be looked into here, since closing that file would end this process's lock
   *     on it
   * @throws InputException if another run has the lock; the file is then closed, as it is at false
   */
  static boolean claim(RandomAccessFile file, Path folder) throws IOException {
    boolean claimed = false;
    try {
      if (!tryLock(file.getChannel())) {
        throw new InputException(
            folder + ": another evaluation is writing into it; wait for it or name another --out");
      }
      claimed = file.length() == 0;
      return claimed;
    } finally {
      if (!claimed) {
        closeQuietly(file);
      }
    }
  }

  private static boolean tryLock(FileChannel file) throws IOException {
    try {
      return file.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      // Held by this very process.
      return false;
    }
  }

  /** Whether a run was begun here. */
  boolean begun() {
    return Files.exists(folder.resolve(RunFiles.HEADER));
  }

  /** Reads the header of the run that was begun. */
  RunHeader header() {
    return new RunFiles(folder).header();
  }

  /** The text of {@code samples.jsonl}. */
  static String samplesText(List<Sample> samples) {
    return samples.stream().map(s -> Json.line(s) + "\n").collect(Collectors.joining());
  }

  /**
   * Checks that the folder's samples are still those of its header.
   *
   * @throws InputException if they are not, as after a power failure
   */
  void checkSamples(RunHeader header) {
    String now = FileHashes.of(samplesText(new RunFiles(folder).samples()));
    if (!now.equals(header.selection().sha256())) {
      throw new InputException(
          folder.resolve(RunFiles.SAMPLES)
              + ": is not what the run began with; name another --out, or delete the folder");
    }
  }

  /** Begins a run: the samples, then the header, each whole or not at all. */
  void begin(RunHeader header, List<Sample> samples) {
    write(RunFiles.SAMPLES, samplesText(samples));
    write(RunFiles.HEADER, Json.page(header));
  }

  private void write(String name, String text) {
    Path part = folder.resolve("." + name + ".part");
    try {
      Files.writeString(part, text, UTF_8);
      Files.move(
          part,
          folder.resolve(name),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw unwritable(folder, e);
    }
  }

  /** Opens the results and cuts off a last line that a kill tore. */
  void openResults() {
    Path file = folder.resolve(RunFiles.RESULTS);
    try {
      byte[] bytes = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
      RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw");
      results = open;
      int whole = RunFiles.wholeLines(bytes);
      open.setLength(whole);
      open.seek(whole);
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  /** Appends a result: on return it is on the disk, whether or not the thread is interrupted. */
  void append(SampleResult result) {
    RandomAccessFile file = results;
    if (file == null) {
      throw new IllegalStateException("the results are not open");
    }
    try {
      file.write((Json.line(result) + "\n").getBytes(UTF_8));
      file.getFD().sync();
    } catch (IOException e) {
      throw unwritable(folder.resolve(RunFiles.RESULTS), e);
    }
  }

  private static InputException unwritable(Path path, IOException e) {
    return new InputException(path + ": cannot be written (" + e + "); choose another --out", e);
  }

  private static void closeQuietly(Closeable file) {
    try {
      file.close();
    } catch (IOException e) {
      // Every line was forced when it was written.
    }
  }

  /** Of a run that did not begin nothing stays. */
  @Override
  public void close() {
    if (results != null) {
      closeQuietly(results);
    }
    if (!begun()) {
      try {
        // While the lock is held, so that the file is nobody else's.
        if (Files.deleteIfExists(folder.resolve(LOCK))) {
          lockFile.write(1);
        }
        if (made) {
          Files.deleteIfExists(folder);
        }
      } catch (IOException e) {
        // Something else is in the folder, which is why it stays.
      }
    }
    closeQuietly(lockFile);
  }
}
