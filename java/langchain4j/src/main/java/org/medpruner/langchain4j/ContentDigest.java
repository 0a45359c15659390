package org.medpruner.langchain4j;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 over several files; where one ends and the next begins counts too. */
final class ContentDigest {
  private final MessageDigest digest;

  ContentDigest() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  void bytes(String name, byte[] content) {
    begin(name, content.length);
    digest.update(content);
  }

  void file(String name, Path file) throws IOException {
    begin(name, Files.size(file));
    byte[] block = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(block); n >= 0; n = in.read(block)) {
        digest.update(block, 0, n);
      }
    }
  }

  private void begin(String name, long size) {
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(12).putInt(text.length).putLong(size).flip());
    digest.update(text);
  }

  String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
