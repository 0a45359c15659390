package org.medpruner.vlm.prompt;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.vlm.checkpoint.JsonFile;

/**
 * A checkpoint's tokenizer, read from its {@code tokenizer.json} and, for added tokens that it
 * lacks, from the files beside it; never goes to the network.
 *
 * <p>Holds native memory until {@link #close}, which is idempotent; use after close is an {@link
 * IllegalStateException}. May be used by several threads at once; none of them may be in a call
 * when it is closed, which frees what the call reads.
 */
public final class Tokenizer implements AutoCloseable {
  static {
    // On a GPU host DJL looks for a CUDA build of its library and, not finding one in its jar,
    // downloads it. Both switches are read at first use, from the environment before the
    // properties; either one alone is enough.
    setIfAbsent("ai.djl.offline", "true");
    setIfAbsent("RUST_FLAVOR", "cpu");
  }

  private final Path file;
  private volatile @Nullable HuggingFaceTokenizer tokenizer;

  private Tokenizer(Path file, HuggingFaceTokenizer tokenizer) {
    this.file = file;
    this.tokenizer = tokenizer;
  }

  private static void setIfAbsent(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /**
   * Reads {@code tokenizer.json} of a checkpoint folder. Added tokens that it lacks are taken from
   * {@code tokenizer_config.json} and {@code added_tokens.json}; no other setting of these is
   * looked at.
   *
   * @param folder of a Hugging Face checkpoint
   * @return an open tokenizer, the caller's to close
   * @throws InputException if the file is missing or is not a tokenizer, or the files beside it do
   *     not fit to it; the message names the file
   */
  public static Tokenizer load(Path folder) {
    Path file = folder.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      throw new InputException(
          "model " + folder + ": tokenizer.json is missing; " + remedy(folder));
    }
    try {
      List<AddedTokens.Token> lacking = AddedTokens.lacking(file);
      byte[] completed = lacking.isEmpty() ? null : AddedTokens.completed(file, lacking);
      Tokenizer made;
      // The stream, not the path: given a path DJL also reads the settings beside it, and
      // Gemma's name a maximum length of 1e30.
      try (InputStream in =
          completed == null ? Files.newInputStream(file) : new ByteArrayInputStream(completed)) {
        made = new Tokenizer(file, library(file, in));
      }
      made.check(lacking);
      return made;
    } catch (IOException e) {
      throw new InputException(file + " cannot be read: " + oneLine(e), e);
    }
  }

  private static HuggingFaceTokenizer library(Path file, InputStream in) throws IOException {
    try {
      return HuggingFaceTokenizer.newInstance(
          in, Map.of("truncation", "do_not_truncate", "padding", "do_not_pad", "maxLength", "-1"));
    } catch (RuntimeException e) {
      throw new InputException(
          file + " is not a usable tokenizer (" + oneLine(e) + "); fetch the checkpoint again", e);
    }
  }

  /** Checkpoints may be published with the slow tokenizer's two files instead. */
  private static String remedy(Path folder) {
    return Files.exists(folder.resolve("vocab.json")) && Files.exists(folder.resolve("merges.txt"))
        ? "vocab.json and merges.txt are not read, so write it with transformers:"
            + " AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
        : "give a complete checkpoint folder";
  }

  /** Closes this before it throws. */
  private void check(List<AddedTokens.Token> added) {
    for (AddedTokens.Token token : added) {
      int[] ids = encode(token.content());
      if (ids.length != 1 || ids[0] != token.id()) {
        close();
        throw new InputException(
            token.source()
                + " gives "
                + JsonFile.printable(token.content())
                + " the id "
                + token.id()
                + ", which does not fit to "
                + file
                + "; save the tokenizer again with transformers");
      }
    }
  }

  private static String oneLine(Throwable e) {
    String text = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return text.lines().findFirst().orElse("");
  }

  /**
   * A text's tokens: exactly those of the text, no special token is added and nothing is cut off.
   *
   * @param ids token ids
   * @param start first character of each token, counted in code points
   * @param end character behind each token, counted in code points; may equal {@code start}
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Tokens(int[] ids, int[] start, int[] end) {}

  Tokens tokens(String text) {
    Encoding encoding = open().encode(text, false, false);
    long[] ids = encoding.getIds();
    @Nullable CharSpan[] spans = encoding.getCharTokenSpans();
    int[] start = new int[ids.length];
    int[] end = new int[ids.length];
    for (int t = 0; t < ids.length; t++) {
      CharSpan span = spans[t];
      if (span == null) {
        throw new IllegalStateException(file + ": token " + t + " has no place in the text");
      }
      start[t] = span.getStart();
      end[t] = span.getEnd();
    }
    return new Tokens(toInts(ids), start, end);
  }

  /**
   * Ids of a text; special tokens are recognised where they are written, none is added.
   *
   * @param text of any length; nothing is cut off
   * @return a new array
   */
  public int[] encode(String text) {
    return toInts(open().encode(text, false, false).getIds());
  }

  /**
   * The id of a token that stands for itself, such as {@code <start_of_image>}.
   *
   * @param token as it is written
   * @return its id
   * @throws InputException if this tokenizer has no such token
   */
  public int idOf(String token) {
    Encoding encoding = open().encode(token, false, false);
    // One id alone could be that of the unknown token.
    if (encoding.getIds().length != 1 || !token.equals(encoding.getTokens()[0])) {
      throw new InputException(
          file + " has no token " + token + ", which this model's prompts need; give its own file");
    }
    return toInts(encoding.getIds())[0];
  }

  /**
   * Text of ids.
   *
   * @param ids in order
   * @return special tokens left out; a thinking block stays, see {@link ThinkingBlock}
   */
  public String decode(Collection<Integer> ids) {
    return open().decode(ids.stream().mapToLong(Integer::longValue).toArray(), true);
  }

  private static int[] toInts(long[] ids) {
    int[] out = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      out[i] = Math.toIntExact(ids[i]);
    }
    return out;
  }

  private HuggingFaceTokenizer open() {
    HuggingFaceTokenizer t = tokenizer;
    if (t == null) {
      throw new IllegalStateException("the tokenizer is closed");
    }
    return t;
  }

  @Override
  public synchronized void close() {
    HuggingFaceTokenizer t = tokenizer;
    tokenizer = null;
    if (t != null) {
      t.close();
    }
  }
}
