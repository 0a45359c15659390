package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volume;
import org.medpruner.volume.VolumeException;
import org.medpruner.volume.Volumes;
import org.medpruner.volume.fixtures.DicomBytes;

/** Volumes that come as several contents: the slices of one. */
class SlicesTest {
  private static final int SIDE = 16;
  private static MedPrunerChatModel model;

  @TempDir Path folder;

  @BeforeAll
  static void load() {
    model = MedPrunerChatModel.builder().modelPath(Demo.folder()).build();
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
    }
  }

  private static ChatResponse ask(List<? extends Content> volume) {
    List<Content> contents = new ArrayList<>(volume);
    contents.add(TextContent.from(Demo.QUESTION));
    return model.chat(UserMessage.from(contents));
  }

  private static MedPrunerChatResponseMetadata metadata(ChatResponse response) {
    return (MedPrunerChatResponseMetadata) response.metadata();
  }

  /** The same answer and the same decisions, read from a folder. */
  private ChatResponse assertAsFolder(List<byte[]> files, String mimeType, String end)
      throws IOException {
    for (int i = 0; i < files.size(); i++) {
      Files.write(folder.resolve(String.format(Locale.ROOT, "%03d.%s", i, end)), files.get(i));
    }
    ChatResponse expected = ask(List.of(VolumeContent.of(folder)));
    ChatResponse response = ask(VolumeContent.of(files, mimeType));
    assertEquals(expected.aiMessage(), response.aiMessage());
    assertEquals(files.size(), metadata(response).report().slices().size());
    for (int i = 0; i < files.size(); i++) {
      assertEquals(
          metadata(expected).report().slices().get(i).distance(),
          metadata(response).report().slices().get(i).distance());
    }
    return response;
  }

  private static byte[] png(SliceImages images, int index) throws IOException {
    byte[] rgb = images.pixels().get(index);
    BufferedImage image =
        new BufferedImage(images.width(), images.height(), BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < images.width() * images.height(); i++) {
      image.setRGB(
          i % images.width(),
          i / images.width(),
          ((rgb[3 * i] & 0xff) << 16) | ((rgb[3 * i + 1] & 0xff) << 8) | (rgb[3 * i + 2] & 0xff));
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  @Test
  void picturesInTheirOrder() throws IOException {
    SliceImages images = Demo.images(Demo.phantom(5));
    List<byte[]> files = new ArrayList<>();
    for (int i = 0; i < images.count(); i++) {
      files.add(png(images, i));
    }
    ChatResponse response = assertAsFolder(files, "image/png", "png");
    // They are what the model sees of the volume itself.
    assertEquals(model.chat(Phantoms.about(5, Demo.QUESTION)).aiMessage(), response.aiMessage());
  }

  /** A CT slice of one value at height z, of a patient with a name. */
  private static byte[] dicom(int z, int value) {
    return DicomBytes.flat(SIDE, value)
        .text(0x00080018, "UI", "1.2.3.1." + z)
        .position(0, 0, 5 * z)
        .file(DicomBytes.EXPLICIT);
  }

  @Test
  void dicomFilesInAnyOrder() throws IOException {
    List<byte[]> files = new ArrayList<>();
    for (int z = 0; z < 8; z++) {
      files.add(dicom(z, z < 4 ? -1000 : 40));
    }
    Collections.shuffle(files, new java.util.Random(1));
    ChatResponse response = assertAsFolder(files, VolumeContent.DICOM, "dcm");
    assertEquals(
        2,
        metadata(response).report().slices().stream().filter(s -> s.kept()).count(),
        "air and tissue");
    assertFalse(metadata(response).audit().contains("Mustermann"));
  }

  @Test
  void theCopyOnDiskIsDeletedWhateverTheReaderDoes() {
    List<byte[]> files = List.of(dicom(0, -1000), dicom(1, 40));
    VolumeSource source = VolumeSource.InMemory.of(files, VolumeContent.DICOM);
    List<Path> seen = new ArrayList<>();
    Volume volume =
        source.read(
            path -> {
              seen.add(path);
              return Volumes.read(path);
            });
    assertEquals(2, volume.slices().count());
    assertThrows(
        VolumeException.class,
        () ->
            source.read(
                path -> {
                  seen.add(path);
                  throw new VolumeException("a defect");
                }));
    assertEquals(2, seen.size());
    seen.forEach(path -> assertFalse(Files.exists(path), path.toString()));
  }
}
