package org.medpruner.serve;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An upload under way: one file, or several that are one volume. They get numbers for names, in the
 * order they come in. Used by one thread at a time; {@link #close} deletes what was not finished.
 */
final class Upload implements AutoCloseable {
  private final FileStore store;
  private final String id;
  private final Path folder;
  private final long most;
  private final long mostUnpacked;
  private @Nullable FileChannel current;
  private int count;
  private long bytes;
  private boolean finished;

  Upload(FileStore store, String id, Path folder, long most, long mostUnpacked) {
    this.store = store;
    this.id = id;
    this.folder = folder;
    this.most = most;
    this.mostUnpacked = mostUnpacked;
  }

  /** Begins the next file. */
  void next() throws IOException {
    closeFile();
    store.checkOpen();
    if (++count > Unzip.MOST_FILES) {
      throw ApiError.bad("file", "more than " + Unzip.MOST_FILES + " files; send one zip of fewer");
    }
    current =
        FileChannel.open(
            folder.resolve(name(count, "")),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE);
  }

  static String name(int number, String ending) {
    return String.format(Locale.ROOT, "%06d%s", number, ending);
  }

  /**
   * Appends to the file. Written where the bytes arrive: into the page cache, which takes less time
   * than handing them to another thread.
   *
   * @throws ApiError 413 if it becomes too large, 507 if there is no room
   */
  void write(byte[] part) throws IOException {
    if (finished) {
      return;
    }
    if (bytes + part.length > most) {
      throw ApiError.tooLarge("the upload", most, "start the server with more --max-upload");
    }
    store.reserve(part.length);
    bytes += part.length;
    FileChannel channel = current;
    if (channel == null) {
      throw new IllegalStateException("no file was begun");
    }
    ByteBuffer buffer = ByteBuffer.wrap(part);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /**
   * Ends the upload, unpacks it if it is a zip file, and stores it.
   *
   * @throws ApiError 400 if there is nothing in it, or a zip file cannot be unpacked
   */
  StoredFile finish() throws IOException {
    closeFile();
    store.checkOpen();
    if (bytes == 0) {
      throw ApiError.bad("file", "the upload is empty; send the bytes of a volume");
    }
    if (count == 1 && Unzip.isZip(folder.resolve(name(1, "")))) {
      long packed = bytes;
      bytes = 0;
      Unzip unzip =
          new Unzip(
              mostUnpacked,
              n -> {
                store.reserve(n);
                bytes += n;
              });
      try {
        count = unzip.unpack(folder.resolve(name(1, "")), folder);
      } finally {
        store.release(packed);
      }
    }
    int others = 0;
    for (int i = 1; i <= count; i++) {
      Path file = folder.resolve(name(i, ""));
      String ending = Unzip.pictureEnding(file);
      if (ending.isEmpty()) {
        others++;
      } else {
        Files.move(file, folder.resolve(name(i, ending)));
      }
    }
    Path one = folder.resolve(name(1, ""));
    finished = true;
    return store.add(
        new StoredFile(
            id,
            folder,
            count == 1 && Files.exists(one) ? one : folder,
            others,
            bytes,
            System.currentTimeMillis() / 1000));
  }

  private void closeFile() throws IOException {
    FileChannel channel = current;
    current = null;
    if (channel != null) {
      channel.close();
    }
  }

  @Override
  public void close() {
    if (finished) {
      return;
    }
    finished = true;
    try {
      closeFile();
    } catch (IOException e) {
      // It is deleted anyway.
    }
    store.release(bytes);
    FileStore.deleteTree(folder);
  }
}
