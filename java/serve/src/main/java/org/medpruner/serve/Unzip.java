package org.medpruner.serve;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Enumeration;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.medpruner.volume.NaturalOrder;

/** Unpacks a zip file into one folder, under numbers: the names in it are used to sort, no more. */
final class Unzip {
  /** Most files of one volume. */
  static final int MOST_FILES = 20_000;

  private static final int BUFFER = 1 << 16;

  private final long most;
  private final LongConsumer counted;

  /**
   * An unpacker.
   *
   * @param most bytes it may come to, whatever the file says
   * @param counted is told every number of bytes before they are written
   */
  Unzip(long most, LongConsumer counted) {
    this.most = most;
    this.counted = counted;
  }

  /** Whether a file begins as zip files do. */
  static boolean isZip(Path file) throws IOException {
    byte[] begin = begin(file);
    return begin.length == 4
        && begin[0] == 'P'
        && begin[1] == 'K'
        // An empty one begins with its directory's end.
        && (begin[2] == 3 && begin[3] == 4 || begin[2] == 5 && begin[3] == 6);
  }

  /** ".png", ".jpg" or ".bmp" if a file begins as one of them, else "". */
  static String pictureEnding(Path file) throws IOException {
    return pictureEnding(begin(file));
  }

  /** The same of the bytes of a file. */
  static String pictureEnding(byte[] begin) {
    if (begin.length < 4) {
      return "";
    }
    boolean png = (begin[0] & 0xff) == 0x89 && begin[1] == 'P' && begin[2] == 'N';
    boolean jpeg = (begin[0] & 0xff) == 0xff && (begin[1] & 0xff) == 0xd8;
    boolean bmp = begin[0] == 'B' && begin[1] == 'M';
    return png ? ".png" : jpeg ? ".jpg" : bmp ? ".bmp" : "";
  }

  private static byte[] begin(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(4);
    }
  }

  /**
   * Unpacks, and deletes the zip file.
   *
   * @param zip lies in the folder, under the number 1
   * @return how many files there are
   * @throws ApiError 400 if it cannot be unpacked, 413 if it comes to too much
   */
  int unpack(Path zip, Path folder) throws IOException {
    Path packed = Files.move(zip, folder.resolve("packed"));
    try (ZipFile file = new ZipFile(packed.toFile())) {
      List<ZipEntry> entries = entries(file);
      if (entries.isEmpty()) {
        throw ApiError.bad("file", "the zip file is empty; put a volume's files in");
      }
      if (entries.size() > MOST_FILES) {
        throw ApiError.bad("file", "the zip file has more than " + MOST_FILES + " files");
      }
      // What it says is believed where it is too much: before others' uploads make room for it.
      if (entries.stream().mapToLong(e -> Math.max(0, e.getSize())).sum() > most) {
        throw tooMuch();
      }
      long total = 0;
      for (int i = 0; i < entries.size(); i++) {
        total += copy(file, entries.get(i), folder.resolve(Upload.name(i + 1, "")), total);
      }
      return entries.size();
    } catch (ZipException | IllegalArgumentException e) {
      throw damaged();
    } finally {
      Files.deleteIfExists(packed);
    }
  }

  /** What programs put in for themselves is left out. */
  private static List<ZipEntry> entries(ZipFile zip) {
    List<ZipEntry> entries = new ArrayList<>();
    for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
      ZipEntry entry = e.nextElement();
      String name = entry.getName().replace('\\', '/');
      String file = name.substring(name.lastIndexOf('/') + 1);
      boolean hidden =
          name.startsWith("__MACOSX/")
              || file.startsWith(".")
              || file.equalsIgnoreCase("Thumbs.db")
              || file.equalsIgnoreCase("desktop.ini");
      if (!entry.isDirectory() && !hidden) {
        entries.add(entry);
      }
    }
    // Names are gone afterwards, so nothing could say that 10.png came before 2.png.
    entries.sort(
        Comparator.comparing(ZipEntry::getName, NaturalOrder::compare)
            .thenComparing(ZipEntry::getName));
    return entries;
  }

  private static ApiError damaged() {
    return ApiError.bad("file", "the zip file is damaged or of an unknown kind; pack it again");
  }

  private ApiError tooMuch() {
    return ApiError.tooLarge("what is in the zip file", most, "send a smaller volume");
  }

  private static InputStream open(ZipFile file, ZipEntry entry) {
    try {
      return file.getInputStream(entry);
    } catch (IOException e) {
      throw damaged();
    }
  }

  /** Reads: to fail here is the zip file's fault, to fail to write is the server's. */
  private static int read(InputStream in, byte[] buffer) {
    try {
      return in.read(buffer);
    } catch (IOException e) {
      // Packed data that end too early are an EOFException, not a ZipException.
      throw damaged();
    }
  }

  private long copy(ZipFile file, ZipEntry entry, Path to, long before) throws IOException {
    long total = 0;
    byte[] buffer = new byte[BUFFER];
    CRC32 crc = new CRC32();
    try (InputStream in = open(file, entry);
        OutputStream out = Files.newOutputStream(to, StandardOpenOption.CREATE_NEW)) {
      for (int n = read(in, buffer); n >= 0; n = read(in, buffer)) {
        total += n;
        if (before + total > most) {
          throw tooMuch();
        }
        counted.accept(n);
        crc.update(buffer, 0, n);
        out.write(buffer, 0, n);
      }
    }
    // ZipFile checks neither.
    if (total != entry.getSize() || crc.getValue() != entry.getCrc()) {
      throw damaged();
    }
    return total;
  }
}
