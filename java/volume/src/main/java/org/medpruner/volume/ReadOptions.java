package org.medpruner.volume;

import org.jspecify.annotations.Nullable;

/**
 * How to read a file or folder. Start from {@link #DEFAULT} and derive.
 *
 * @param frame 0-based frame of a 4-D file; must be 0 for anything else
 * @param pictureWindow the grey values of a 16-bit PNG that become 0 and 255; null refuses 16-bit
 *     pictures. Pictures of 8 bits are ready-made and not windowed
 */
public record ReadOptions(int frame, @Nullable Window pictureWindow) {
  /** Frame 0, no window. */
  public static final ReadOptions DEFAULT = new ReadOptions(0, null);

  /** The same with another frame. */
  public ReadOptions withFrame(int frame) {
    return new ReadOptions(frame, pictureWindow);
  }

  /** The same with a window for 16-bit pictures. */
  public ReadOptions withPictureWindow(Window window) {
    return new ReadOptions(frame, window);
  }
}
