package org.medpruner.volume;

/**
 * Where a slice comes from.
 *
 * @param index 0-based, in presented order
 * @param sourceIndex 0-based index along the slicing axis of the file (file number for a folder)
 * @param positionMm scanner coordinate along the slicing axis in millimetres, NaN when unknown
 */
public record SliceInfo(int index, int sourceIndex, double positionMm) {}
