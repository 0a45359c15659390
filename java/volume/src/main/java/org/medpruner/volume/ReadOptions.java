package org.medpruner.volume;

import org.jspecify.annotations.Nullable;

/**
 * How to read a file or folder. Start from {@link #DEFAULT} and derive.
 *
 * @param frame 0-based frame of a 4-D file or series; must be 0 for anything else
 * @param pictureWindow the grey values of a 16-bit PNG that become 0 and 255; null refuses 16-bit
 *     pictures. Pictures of 8 bits are ready-made and not windowed, which is a warning of the
 *     volume
 * @param series which series of a DICOM folder: its number, as the message that asks for a choice
 *     lists it, or the beginning of its SeriesInstanceUID; null takes the one with the most slices
 */
public record ReadOptions(int frame, @Nullable Window pictureWindow, @Nullable String series) {
  /** Frame 0, no window, the largest series. */
  public static final ReadOptions DEFAULT = new ReadOptions(0, null, null);

  /**
   * The same with another frame.
   *
   * @param frame 0-based; that there is one is checked when the file is read
   * @return new options
   */
  public ReadOptions withFrame(int frame) {
    return new ReadOptions(frame, pictureWindow, series);
  }

  /**
   * The same with a window for 16-bit pictures.
   *
   * @param window in grey values as stored, 0 to 65535
   * @return new options
   */
  public ReadOptions withPictureWindow(Window window) {
    return new ReadOptions(frame, window, series);
  }

  /**
   * The same with a choice of the series.
   *
   * @param series its number as the list of series shows it, or the beginning of its
   *     SeriesInstanceUID; null for the one with the most slices
   * @return new options, which only DICOM takes if a series is chosen
   */
  public ReadOptions withSeries(@Nullable String series) {
    return new ReadOptions(frame, pictureWindow, series);
  }
}
