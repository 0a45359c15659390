package org.medpruner.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.vlm.fixtures.Demo;
import org.medpruner.vlm.fixtures.WatchedModel;

/** What is encoded again, what is remembered, and when it is freed. */
class MemoryTest {
  @TempDir Path folder;

  private WatchedModel watched;
  private MedPrunerChatModel model;

  @BeforeEach
  void load() {
    watched = new WatchedModel(Demo.load());
    model = MedPrunerChatModel.builder().model(watched).maxVolumes(2).build();
  }

  @AfterEach
  void close() {
    if (model != null) {
      model.close();
    }
  }

  private static UserMessage about(Path file, String question) {
    return UserMessage.from(VolumeContent.of(file), TextContent.from(question));
  }

  @Test
  void aFurtherQuestionPrefillsItselfAlone() {
    UserMessage first = Phantoms.about(5, Demo.QUESTION);
    AiMessage answer = model.chat(first).aiMessage();
    assertEquals(List.of("encode", "converse", "ask"), watched.calls());
    model.chat(first, answer, UserMessage.from(Demo.FURTHER));
    assertEquals(List.of("ask"), watched.calls());
    // Another conversation about the same volume, one that was never held here.
    model.chat(first, AiMessage.from("spleen"), UserMessage.from(Demo.FURTHER));
    assertEquals(List.of("close conversation", "converse", "recall", "ask"), watched.calls());
  }

  @Test
  void aVolumeIsKnownByItsContent() throws IOException {
    Path file = Files.copy(Demo.phantom(5), folder.resolve("a.nii.gz"));
    Path same = Files.copy(Demo.phantom(5), folder.resolve("b.nii.gz"));
    model.chat(about(file, Demo.QUESTION));
    assertEquals(List.of("encode", "converse", "ask"), watched.calls());
    String audit =
        ((MedPrunerChatResponseMetadata) model.chat(about(same, Demo.QUESTION)).metadata()).audit();
    assertEquals(List.of("close conversation", "converse", "ask"), watched.calls());
    assertEquals(true, audit.contains("b.nii.gz"), audit);
    // Another volume under the old name is another volume.
    Files.copy(Demo.phantom(1), file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    model.chat(about(file, Demo.QUESTION));
    assertEquals(List.of("close conversation", "encode", "converse", "ask"), watched.calls());
    // Another policy prunes anew.
    model.chat(
        ChatRequest.builder()
            .messages(about(file, Demo.QUESTION))
            .parameters(MedPrunerChatRequestParameters.builder().preset("nucleus").build())
            .build());
    assertEquals(
        List.of("close conversation", "close volume", "encode", "converse", "ask"),
        watched.calls());
  }

  @Test
  void closingFreesAllThatIsRemembered() {
    model.chat(Phantoms.about(1, Demo.FURTHER));
    model.chat(Phantoms.about(2, Demo.FURTHER));
    watched.calls();
    model.close();
    assertEquals(
        List.of("close conversation", "close volume", "close volume", "close model"),
        watched.calls());
    model.close();
    assertEquals(List.of(), watched.calls());
    assertThrows(IllegalStateException.class, () -> model.chat(Phantoms.about(1, Demo.FURTHER)));
  }

  /** A volume of two files; the reader takes their names in capitals too, or any for the header. */
  @ParameterizedTest
  @CsvSource({
    "scan.hdr,scan.img,scan.hdr",
    "scan.hdr,scan.img,scan.img",
    "SCAN.HDR,SCAN.IMG,SCAN.HDR",
    "SCAN.HDR,SCAN.IMG,SCAN.IMG",
    "scan.hdr,scan.IMG.GZ,scan.hdr",
    "scan,scan.img,scan",
    "scan.nii,scan.img,scan.nii"
  })
  void aPairIsKnownByTheContentOfBoth(String header, String data, String given) throws IOException {
    ByteBuffer first = unpacked(Demo.phantom(5));
    first.putFloat(108, 0).put(344, new byte[] {'n', 'i', '1', 0});
    Files.write(folder.resolve(header), Arrays.copyOf(first.array(), 348));
    Path file = folder.resolve(given);
    writeVoxels(folder.resolve(data), 5);
    assertEquals("spleen", model.chat(about(file, Demo.QUESTION)).aiMessage().text());
    writeVoxels(folder.resolve(data), 1);
    assertEquals("left lung", model.chat(about(file, Demo.QUESTION)).aiMessage().text());
  }

  private static ByteBuffer unpacked(Path file) throws IOException {
    try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
      return ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  private static void writeVoxels(Path to, int phantom) throws IOException {
    ByteBuffer all = unpacked(Demo.phantom(phantom));
    int offset = (int) all.getFloat(108);
    try (OutputStream out =
        to.toString().endsWith(".GZ")
            ? new GZIPOutputStream(Files.newOutputStream(to))
            : Files.newOutputStream(to)) {
      out.write(all.array(), offset, all.capacity() - offset);
    }
  }
}
