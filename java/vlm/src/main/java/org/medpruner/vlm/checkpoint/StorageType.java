package org.medpruner.vlm.checkpoint;

import org.jspecify.annotations.Nullable;

/** Element types of a safetensors file that are read here. */
public enum StorageType {
  BOOL(1),
  U8(1),
  I8(1),
  I16(2),
  U16(2),
  F16(2),
  BF16(2),
  I32(4),
  U32(4),
  F32(4),
  I64(8),
  U64(8),
  F64(8);

  private final int bytes;

  StorageType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** Whether model weights may have this type. */
  public boolean isWeight() {
    return this == F32 || this == BF16 || this == F16;
  }

  /** The type of that name in a header, or null if it is not one of these. */
  static @Nullable StorageType ofName(String name) {
    for (StorageType t : values()) {
      if (t.name().equals(name)) {
        return t;
      }
    }
    return null;
  }
}
