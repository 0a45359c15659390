package org.medpruner.serve;

import java.nio.file.Path;

/**
 * A volume that was uploaded. Known by its id alone: names of files may name the patient and are
 * never kept.
 *
 * @param id "file-" or "pictures-" and random or content digits
 * @param folder of its own
 * @param path what to read: the folder, or the one file in it
 * @param others files in it that are no pictures this server knows
 * @param bytes on disk
 * @param created seconds since 1970
 */
record StoredFile(String id, Path folder, Path path, int others, long bytes, long created) {
  /** A message about it, with the id where the server's own path stands. */
  String withoutPath(String message) {
    return message.replace(path.toString(), id).replace(folder.toString(), id);
  }
}
