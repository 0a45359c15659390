package org.medpruner.langchain4j;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.data.message.ImageContent;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;

/**
 * Volumes as LangChain4j's image contents, which chat memories can store and AI services can pass:
 *
 * {@snippet :
 * UserMessage.from(VolumeContent.of(Path.of("ct.nii.gz")), TextContent.from("Any lesion?"));
 * }
 *
 * <p>A content names a file or folder by a {@code file:} URI, or holds the bytes of one file. The
 * path stays in the message: whoever stores messages of patients stores it too. What a file is, is
 * told by its content; the MIME type only says that it is meant as a volume. A level of detail has
 * no meaning for a volume and is not looked at.
 */
public final class VolumeContent {
  /** A NIfTI file, plain or gzip. */
  public static final String NIFTI = "application/x-nifti";

  /** A DICOM file; those of one series go into one message. */
  public static final String DICOM = "application/dicom";

  /** A NumPy array, slices x rows x columns. */
  public static final String NPY = "application/x-npy";

  private VolumeContent() {}

  /**
   * A file or folder, read when a question is asked: what {@link org.medpruner.volume.Volumes}
   * reads.
   *
   * @param fileOrFolder need not exist yet; a relative path is resolved now
   * @return a content with a {@code file:} URI
   */
  public static ImageContent of(Path fileOrFolder) {
    return ImageContent.from(fileOrFolder.toUri());
  }

  /**
   * The bytes of one file.
   *
   * @param bytes as they are on disk, compressed or not; copied
   * @param mimeType {@link #NIFTI}, {@link #DICOM}, {@link #NPY}, or that of a picture: {@code
   *     image/png}, {@code image/jpeg}, {@code image/bmp}
   * @return a content that holds them in Base64
   */
  public static ImageContent of(byte[] bytes, String mimeType) {
    return ImageContent.from(
        Image.builder()
            .base64Data(Base64.getEncoder().encodeToString(bytes))
            .mimeType(mimeType)
            .build());
  }

  /**
   * The files of one DICOM series, in any order, or pictures of slices in theirs.
   *
   * @param files bytes as they are on disk; copied
   * @param mimeType of all of them, as in {@link #of(byte[], String)}
   * @return one content per file, to be put into one message
   */
  public static List<ImageContent> of(List<byte[]> files, String mimeType) {
    return files.stream().map(bytes -> of(bytes, mimeType)).toList();
  }
}
