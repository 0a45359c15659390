package org.medpruner.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import org.medpruner.InputException;

/**
 * Where a file that the user named really lies.
 *
 * @param named as the user wrote it
 * @param file the same behind its symbolic links, absolute; it need not exist
 * @param stream whether this is a pipe, a character device or the file that standard output goes
 *     to: written to, never replaced
 */
record Target(Path named, Path file, boolean stream) {
  /** As many links in a row as Linux follows. */
  private static final int MAX_LINKS = 40;

  private static final int TYPE_MASK = 0170000;
  private static final int PIPE = 0010000;
  private static final int CHARACTER_DEVICE = 0020000;

  /** Links in it stand for what this process has open. */
  private static final Path PROCESSES = Path.of("/proc");

  /** What {@code /dev/stdout} leads to, before the file behind that. */
  private static final Path STANDARD_OUTPUT =
      PROCESSES.resolve(Path.of(Long.toString(ProcessHandle.current().pid()), "fd", "1"));

  /**
   * Follows the links of a file that is to be written.
   *
   * @throws InputException naming the option when what is there is no place for a text
   */
  static Target of(String option, Path named) {
    if (Files.isDirectory(named)) {
      throw new InputException(option + " " + named + " is a folder; name a file in it");
    }
    if (Files.exists(named) && !Files.isRegularFile(named)) {
      if (!isStream(named)) {
        throw new InputException(
            option + " " + named + " is no file that can be replaced; choose another place");
      }
      return new Target(named, named.toAbsolutePath(), true);
    }
    try {
      Path file = behindLinks(option, named);
      return new Target(named, file, file.equals(STANDARD_OUTPUT));
    } catch (IOException e) {
      throw new InputException(
          option + " " + named + ": its links cannot be followed; choose another place", e);
    }
  }

  private static boolean isStream(Path file) {
    try {
      int type = (Integer) Files.getAttribute(file, "unix:mode") & TYPE_MASK;
      return type == PIPE || type == CHARACTER_DEVICE;
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return false;
    }
  }

  /** Links of folders too, so that two names of one file are one path. */
  private static Path behindLinks(String option, Path named) throws IOException {
    Path file = named.toAbsolutePath();
    for (int links = 0; Files.isSymbolicLink(file); links++) {
      if (links == MAX_LINKS) {
        throw new IOException("too many links");
      }
      Path folder = folderOf(file).toRealPath();
      if (folder.startsWith(PROCESSES)) {
        if (folder.resolve(file.getFileName()).equals(STANDARD_OUTPUT)) {
          return STANDARD_OUTPUT;
        }
        throw new InputException(
            option + " " + named + " is a file that is open already; name the file itself");
      }
      file = folder.resolve(Files.readSymbolicLink(file));
    }
    Path folder = folderOf(file);
    return Files.exists(folder)
        ? folder.toRealPath().resolve(file.getFileName())
        : file.normalize();
  }

  private static Path folderOf(Path file) {
    Path folder = file.getParent();
    if (folder == null) {
      throw new InputException(file + " is not a file name");
    }
    return folder;
  }

  /** The folder that a file to replace lies in, or will lie in. */
  Path folder() {
    return folderOf(file);
  }

  /**
   * Writes to a stream. Where standard output goes to a file, that is by its descriptor, behind
   * what was printed before: opened by its name it would be written from its beginning.
   */
  void write(byte[] text) throws IOException {
    if (!file.equals(STANDARD_OUTPUT)) {
      Files.write(named, text, StandardOpenOption.WRITE);
      return;
    }
    // Not closed: the answer may follow.
    FileChannel out = new FileOutputStream(FileDescriptor.out).getChannel();
    ByteBuffer left = ByteBuffer.wrap(text);
    long before = out.size();
    try {
      while (left.hasRemaining()) {
        out.write(left);
      }
    } catch (IOException e) {
      // On a full disk say. What nobody else has written behind is taken back.
      if (left.position() > 0 && out.size() == before + left.position()) {
        out.truncate(before);
      }
      throw e;
    }
  }

  /** A name may be longer than the file system takes. */
  private void checkName(String option, Path path) {
    try {
      BasicFileAttributes unused =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      // Free.
    } catch (IOException e) {
      String reason = e instanceof FileSystemException f ? f.getReason() : null;
      throw new InputException(
          option
              + " "
              + named
              + " cannot be a file"
              + (reason == null ? "" : " (" + reason + ")")
              + "; choose another place",
          e);
    }
  }

  /**
   * Checks that the file can be written, leaving nothing behind.
   *
   * @param inputs what the run reads; none of it may be replaced
   */
  void check(String option, List<Path> inputs) {
    if (Files.isRegularFile(file)) {
      inputs.forEach(i -> InputFiles.refuse(option, this, i));
    }
    if (stream) {
      return;
    }
    Path folder = folder();
    while (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS) && folder.getParent() != null) {
      folder = folder.getParent();
    }
    if (!Files.isDirectory(folder)) {
      throw new InputException(
          option + " " + named + ": " + folder + " is not a folder; choose another place");
    }
    for (Path part : folder.relativize(file)) {
      checkName(option, folder.resolve(part));
    }
    try {
      // Asking for permissions is not enough: a super-user has them on read-only and virtual
      // file systems too.
      Files.delete(Files.createTempFile(folder, ".medpruner", ".tmp"));
    } catch (IOException e) {
      throw new InputException(
          option + " " + named + ": folder " + folder + " is not writable; choose another place",
          e);
    }
  }
}
