package org.medpruner.vlm;

import java.nio.file.Path;

/**
 * What was loaded.
 *
 * @param path the checkpoint folder as given, or what it is called for others
 * @param family architecture as {@code config.json} names it
 * @param parameters number of weights
 * @param storageType dtype of most weights in the files, "F32" or "BF16"
 * @param computeType type it computes in, "F32" or "BF16"
 * @param device "cpu" or "cuda:0"
 * @param imageSize side of the square picture the encoder sees, in pixels; 0 when it depends on the
 *     volume
 * @param tokensPerSlice visual tokens of an unpruned slice; 0 when they depend on the volume
 * @param contextLength most positions of the language model
 */
public record ModelInfo(
    String path,
    String family,
    long parameters,
    String storageType,
    String computeType,
    String device,
    int imageSize,
    int tokensPerSlice,
    int contextLength) {

  /**
   * What the model is called where its folder is not to be told.
   *
   * @return the last name of {@link #path}, or {@link #family} where that has none
   */
  public String name() {
    Path name = Path.of(path).toAbsolutePath().normalize().getFileName();
    return name == null ? family : name.toString();
  }

  /**
   * The same under a name that does not tell where the files lie.
   *
   * @param name takes the place of the path
   * @return a copy; this one stays as it is
   */
  public ModelInfo calledAs(String name) {
    return new ModelInfo(
        name,
        family,
        parameters,
        storageType,
        computeType,
        device,
        imageSize,
        tokensPerSlice,
        contextLength);
  }
}
