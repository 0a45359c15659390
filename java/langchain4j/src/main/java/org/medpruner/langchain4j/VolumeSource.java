package org.medpruner.langchain4j;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.volume.Volume;
import org.medpruner.volume.Volumes;

/** Where a conversation's volume comes from. */
sealed interface VolumeSource {
  /** MIME types of one file that is a volume; the reader tells by content which it is. */
  Set<String> VOLUMES =
      Set.of(
          VolumeContent.NIFTI,
          VolumeContent.NPY,
          "application/x-nifti-gz",
          "application/gzip",
          "application/x-gzip",
          "application/octet-stream");

  /** MIME types of files of which several make a volume. */
  Set<String> SLICES = Set.of(VolumeContent.DICOM, "image/png", "image/jpeg", "image/bmp");

  /** Whether a MIME type is one of those. */
  static boolean isKnown(String mimeType) {
    return VOLUMES.contains(mimeType) || SLICES.contains(mimeType);
  }

  /**
   * The SHA-256 of all that {@link #read} will see.
   *
   * @throws InvalidRequestException if there is something that cannot be read
   */
  String digest();

  /**
   * Reads the volume with a function that takes a file or a folder.
   *
   * @throws org.medpruner.volume.VolumeException if it cannot be used
   */
  Volume read(Function<Path, Volume> reader);

  /** What to call it in an audit record. */
  String name();

  /** A message about it, without paths that mean nothing to the caller. */
  default String explain(String message) {
    return message;
  }

  /** A file or folder of the caller. */
  record OnDisk(Path path) implements VolumeSource {
    @Override
    public String digest() {
      ContentDigest digest = new ContentDigest();
      try {
        if (Files.isRegularFile(path)) {
          for (Path file : Volumes.filesOf(path)) {
            digest.file(path.relativize(file).toString(), file);
          }
        } else {
          try (Stream<Path> all = Files.walk(path, FileVisitOption.FOLLOW_LINKS)) {
            for (Path file : all.filter(Files::isRegularFile).sorted().toList()) {
              digest.file(path.relativize(file).toString(), file);
            }
          }
        }
      } catch (NoSuchFileException e) {
        throw new InvalidRequestException(path + ": no such file or folder; check the path", e);
      } catch (IOException | UncheckedIOException e) {
        throw new InvalidRequestException(
            path + ": cannot be read completely; check the permissions", e);
      }
      return digest.hex();
    }

    @Override
    public Volume read(Function<Path, Volume> reader) {
      return reader.apply(path);
    }

    @Override
    public String name() {
      return path.toString();
    }
  }

  /**
   * Files in memory: one volume, or the DICOM files or pictures of one.
   *
   * @param mimeType of all of them, lower case
   * @param digest of all of them
   */
  record InMemory(List<byte[]> files, String mimeType, String digest) implements VolumeSource {
    private static final String TEMPORARY = "medpruner-langchain4j-";

    /** The temporary folder, or a file in it. */
    private static final Pattern COPY =
        Pattern.compile(
            Pattern.quote(Path.of(System.getProperty("java.io.tmpdir"), TEMPORARY).toString())
                + "\\d+([/\\\\]\\d{6}\\.[a-z]+)?");

    static InMemory of(List<byte[]> files, String mimeType) {
      ContentDigest digest = new ContentDigest();
      for (byte[] file : files) {
        digest.bytes("", file);
      }
      return new InMemory(files, mimeType, digest.hex());
    }

    @Override
    public String name() {
      return "bytes-" + digest.substring(0, 12);
    }

    /** The readers take paths; a copy that only this user can read lives as long as the reading. */
    @Override
    public Volume read(Function<Path, Volume> reader) {
      Path folder = null;
      try {
        folder = Files.createTempDirectory(TEMPORARY);
        for (int i = 0; i < files.size(); i++) {
          Files.write(folder.resolve(fileName(i)), files.get(i));
        }
        boolean pictures = mimeType.startsWith("image/");
        return reader.apply(files.size() == 1 && !pictures ? folder.resolve(fileName(0)) : folder);
      } catch (IOException e) {
        throw new UncheckedIOException("a temporary copy of the volume cannot be written", e);
      } finally {
        if (folder != null) {
          delete(folder);
        }
      }
    }

    private String fileName(int index) {
      // Pictures are taken in the order of their names, and are known by them.
      String end = mimeType.startsWith("image/") ? mimeType.substring("image/".length()) : "dat";
      return String.format(Locale.ROOT, "%06d.%s", index, end);
    }

    @Override
    public String explain(String message) {
      return COPY.matcher(message).replaceAll(Matcher.quoteReplacement(name()));
    }

    private static void delete(Path folder) {
      try (Stream<Path> all = Files.walk(folder)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      } catch (IOException e) {
        throw new UncheckedIOException("the temporary copy " + folder + " cannot be deleted", e);
      }
    }
  }

  /**
   * A source from a URI in a message.
   *
   * @param root where the file must lie; null for anywhere
   * @param where the content, for messages
   */
  static VolumeSource of(URI uri, @Nullable Path root, String where) {
    if (!"file".equalsIgnoreCase(uri.getScheme())) {
      // Fetching would let a message reach whatever this machine does.
      throw new UnsupportedFeatureException(
          where + ": only file: URIs are read; fetch it yourself and give its path or its bytes");
    }
    Path path;
    try {
      path = Path.of(uri);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequestException(where + ": the URI names no file; use Path.toUri()", e);
    }
    if (root != null && !isUnder(root, path)) {
      throw new InvalidRequestException(
          where
              + (isMissingUnder(root, path)
                  ? ": no such file or folder; check the path"
                  : ": the file lies outside the folder that volumes are read from"));
    }
    return new OnDisk(path);
  }

  private static boolean isUnder(Path root, Path path) {
    try {
      return path.toRealPath().startsWith(root.toRealPath());
    } catch (IOException e) {
      return false;
    }
  }

  /** A path whose folder is there and inside; what is outside is not to be asked for. */
  private static boolean isMissingUnder(Path root, Path path) {
    Path folder = path.toAbsolutePath().normalize().getParent();
    return folder != null && isUnder(root, folder) && Files.notExists(path, NOFOLLOW_LINKS);
  }
}
