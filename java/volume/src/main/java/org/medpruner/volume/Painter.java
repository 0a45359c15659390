package org.medpruner.volume;

/** Writes the three bytes of one voxel. */
@FunctionalInterface
interface Painter {
  /**
   * Writes R, G, B.
   *
   * @param voxel position in {@link VoxelArray}
   * @param out the picture
   * @param at where R goes
   */
  void paint(long voxel, byte[] out, int at);
}
