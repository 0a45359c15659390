package org.medpruner.torch;

import org.bytedeco.javacpp.Pointer;

/** A pointer to memory that JavaCPP neither allocates nor frees. */
final class AddressPointer extends Pointer {
  AddressPointer(long address, long bytes) {
    super((Pointer) null);
    // The fields are protected, and no constructor takes an address.
    this.address = address;
    this.limit = bytes;
    this.capacity = bytes;
  }
}
