package org.medpruner.vlm.checkpoint;

import org.jspecify.annotations.Nullable;

/**
 * Element types of a safetensors file: all that the format has. Of most a file may hold tensors
 * that no network here asks for.
 */
public enum StorageType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16),
  U16(16),
  F16(16),
  BF16(16),
  I32(32),
  U32(32),
  F32(32),
  C64(64),
  I64(64),
  U64(64),
  F64(64);

  private final int bits;

  StorageType(int bits) {
    this.bits = bits;
  }

  /** Bits of one element. */
  int bits() {
    return bits;
  }

  /**
   * Bytes of one element.
   *
   * @throws IllegalStateException if elements are not whole bytes; none of those is a weight
   */
  public int bytes() {
    if (bits % 8 != 0) {
      throw new IllegalStateException(this + ": an element has " + bits + " bits");
    }
    return bits / 8;
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
