package org.medpruner.volume.dicom;

import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes a frame with an ImageIO plug-in: TwelveMonkeys' for JPEG (baseline and lossless), JJ2000
 * for JPEG 2000. They come by the service loader with this module's run-time dependencies.
 */
enum ImageIoDecoder {
  JPEG("jpeg", "com.twelvemonkeys.imageio.plugins.jpeg.", "imageio-jpeg of com.twelvemonkeys"),
  JPEG_2000(
      "jpeg 2000",
      "com.github.jaiimageio.jpeg2000.",
      "jai-imageio-jpeg2000 of com.github.jai-imageio");

  /**
   * A damaged packet header makes JJ2000 loop without an end and without looking at its input. A
   * good frame of 512 x 512 takes 0.3 s and gets 26.
   */
  private static final long BASE_SECONDS = 10;

  private static final long PIXELS_PER_SECOND = 1 << 14;

  private final String formatName;
  private final String classPrefix;
  private final String artifact;

  ImageIoDecoder(String formatName, String classPrefix, String artifact) {
    this.formatName = formatName;
    this.classPrefix = classPrefix;
    this.artifact = artifact;
  }

  /**
   * Little-endian samples, colours interleaved, values in the low bits.
   *
   * @param frame may be changed
   */
  byte[] decode(byte[] frame, PixelFormat format) throws DicomException {
    int raised = 0;
    if (this == JPEG) {
      raised = Codestream.raiseLosslessDepth(frame, Codestream.checkJpeg(frame, format));
    } else {
      Codestream.checkJpeg2000(frame, format);
    }
    return bytes(raster(reader(), frame, format), format, raised);
  }

  private ImageReader reader() throws DicomException {
    for (Iterator<ImageReader> all = ImageIO.getImageReadersByFormatName(formatName);
        all.hasNext(); ) {
      ImageReader r = all.next();
      if (r.getClass().getName().startsWith(classPrefix)) {
        return r;
      }
    }
    throw new DicomException("no decoder for these pixels; put " + artifact + " on the class path");
  }

  /** On a thread of its own, which is left behind when it does not end. */
  private Raster raster(ImageReader reader, byte[] frame, PixelFormat format)
      throws DicomException {
    CompletableFuture<Raster> result = new CompletableFuture<>();
    Thread worker =
        new Thread(
            () -> {
              try {
                result.complete(read(reader, frame));
              } catch (Throwable t) {
                result.completeExceptionally(t);
              }
            },
            "dicom-decoder");
    worker.setDaemon(true);
    worker.start();
    try {
      return result.get(BASE_SECONDS + format.pixels() / PIXELS_PER_SECOND, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new DicomException(
          "the compressed pixels keep the decoder busy without an end, they are damaged; copy the"
              + " file again");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DicomException("reading was interrupted");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof OutOfMemoryError x) {
        throw x;
      }
      if (e.getCause() instanceof DicomException x) {
        throw x;
      }
      throw new DicomException(
          "the compressed pixels cannot be decoded ("
              + String.valueOf(e.getCause()).replaceFirst(":.*", "").replaceFirst(".*\\.", "")
              + "); copy the file again, or convert it with gdcmconv --raw");
    }
  }

  private static Raster read(ImageReader reader, byte[] frame) throws IOException, DicomException {
    AtomicBoolean damaged = new AtomicBoolean();
    try (MemoryCacheImageInputStream in =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(frame))) {
      reader.addIIOReadWarningListener(
          (source, warning) -> {
            if (Codestream.meansDamage(warning)) {
              damaged.set(true);
            }
          });
      reader.setInput(in, true, true);
      Raster raster = reader.readRaster(0, null);
      if (damaged.get()) {
        throw new DicomException("the compressed pixels are damaged; copy the file again");
      }
      return raster;
    } finally {
      reader.dispose();
    }
  }

  /**
   * The samples of a raster.
   *
   * @param raised what each is too high by
   */
  private static byte[] bytes(Raster raster, PixelFormat format, int raised) throws DicomException {
    int samples = format.samples();
    if (raster.getWidth() != format.columns()
        || raster.getHeight() != format.rows()
        || raster.getNumBands() != samples) {
      throw new DicomException(
          "the compressed picture has another size than the header states; export the series again");
    }
    int width = format.bytesPerSample();
    byte[] out = new byte[format.frameBytes()];
    int[] row = new int[format.columns() * samples];
    int at = 0;
    for (int y = 0; y < format.rows(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, format.columns(), 1, row);
      for (int v : row) {
        for (int k = 0; k < width; k++) {
          out[at++] = (byte) (v - raised >> 8 * k);
        }
      }
    }
    return out;
  }
}
