package org.medpruner.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.eval.TestData.refusal;
import static org.medpruner.eval.TestData.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileHashesTest {
  @TempDir Path folder;

  @Test
  void aLinkedCheckpointHasTheHashOfItsFiles() throws IOException {
    Path model = folder.resolve("model");
    text(model.resolve("config.json"), "{}");
    // As the Hub's cache lies: a snapshot of links to blobs.
    Path blob = text(folder.resolve("blobs/0a"), "weights");
    Files.createSymbolicLink(model.resolve("model.safetensors"), blob);
    Path link = Files.createSymbolicLink(folder.resolve("latest"), model);
    String before = FileHashes.checkpoint(model);
    assertEquals(before, FileHashes.checkpoint(link));
    text(blob, "others");
    assertNotEquals(before, FileHashes.checkpoint(link));
    assertEquals(FileHashes.checkpoint(model), FileHashes.checkpoint(link));
  }

  @Test
  void aFolderWithoutAnyFileOfACheckpointIsRefused() {
    text(folder.resolve("model/notes.md"), "");
    String message = refusal(() -> FileHashes.checkpoint(folder.resolve("model")));
    assertEquals(
        folder.resolve("model") + ": holds no file of a checkpoint; check --model", message);
  }

  @Test
  void linkedVolumesHaveTheHashOfTheirFiles() throws IOException {
    Path data = Files.createDirectory(folder.resolve("data"));
    Path slice = text(folder.resolve("elsewhere/v0/deep/1.png"), "1");
    Path plain = Files.createDirectory(folder.resolve("plain"));
    text(plain.resolve("v0/deep/1.png"), "1");
    Files.createSymbolicLink(data.resolve("v0"), folder.resolve("elsewhere/v0"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), data);
    // What leads back to above itself ends there.
    Files.createSymbolicLink(folder.resolve("elsewhere/v0/back"), folder.resolve("elsewhere/v0"));
    List<String> volumes = List.of("v0", "v1");
    String before = FileHashes.ofSizes(data, volumes);
    assertEquals(FileHashes.ofSizes(plain, volumes), before);
    assertEquals(before, FileHashes.ofSizes(link, volumes));
    text(slice, "12");
    assertNotEquals(before, FileHashes.ofSizes(link, volumes));
    Files.delete(slice);
    String message = refusal(() -> FileHashes.ofSizes(link, volumes));
    assertTrue(message.startsWith(link + ": none of the 2 volumes is there with any"), message);
  }
}
