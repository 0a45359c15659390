package org.medpruner.eval;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * The folder of a run that is being worked on, locked against a second one. The lock is the
 * system's and ends with the process, however that ends.
 */
final class RunFolder implements AutoCloseable {
  private static final String LOCK = ".lock";

  private final Path folder;

  /** Whether the folder was made for this run. */
  private final boolean made;

  private final FileChannel lockFile;

  /** Not a channel: one closes itself when its thread is interrupted, and an answer is lost. */
  private @Nullable RandomAccessFile results;

  private RunFolder(Path folder, boolean made, FileChannel lockFile) {
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
    FileChannel file = null;
    boolean ok = false;
    try {
      boolean made = !Files.exists(folder);
      Files.createDirectories(folder);
      file =
          FileChannel.open(
              folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = tryLock(file);
      if (lock == null) {
        throw new InputException(
            folder + ": another evaluation is writing into it; wait for it or name another --out");
      }
      ok = true;
      return new RunFolder(folder, made, file);
    } catch (IOException e) {
      throw unwritable(folder, e);
    } finally {
      if (!ok && file != null) {
        closeQuietly(file);
      }
    }
  }

  private static @Nullable FileLock tryLock(FileChannel file) throws IOException {
    try {
      return file.tryLock();
    } catch (OverlappingFileLockException e) {
      // Held by this very process.
      return null;
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
        Files.deleteIfExists(folder.resolve(LOCK));
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
