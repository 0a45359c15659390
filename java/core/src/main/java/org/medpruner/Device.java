package org.medpruner;

/**
 * Where memory lies and an op runs.
 *
 * @param kind CPU or CUDA
 * @param index CUDA device index, 0 on the CPU
 */
public record Device(Kind kind, int index) {

  /** Kinds of device. */
  public enum Kind {
    /** Host memory; ops run synchronously on the calling thread. */
    CPU(1),
    /** Memory of an NVIDIA GPU; ops are queued on a {@link Stream}. */
    CUDA(2);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    /** {@return DLPack's DLDeviceType: 1 kDLCPU, 2 kDLCUDA} */
    public int code() {
      return code;
    }
  }

  /** The host. */
  public static final Device CPU = new Device(Kind.CPU, 0);

  /** Checks the index. */
  public Device {
    Check.notNull("kind", kind);
    if (index < 0 || (kind == Kind.CPU && index != 0)) {
      throw new IllegalArgumentException(
          "device index " + index + " of " + kind + ": it must be " + indexRule(kind));
    }
  }

  private static String indexRule(Kind kind) {
    return kind == Kind.CPU ? "0" : ">= 0";
  }

  /**
   * A CUDA device; whether it exists is only checked when it is used.
   *
   * @param index as the CUDA runtime counts the devices that this process sees, &gt;= 0
   * @return that device
   * @throws IllegalArgumentException if the index is negative
   */
  public static Device cuda(int index) {
    return new Device(Kind.CUDA, index);
  }

  /** {@return whether this is the host} */
  public boolean isCpu() {
    return kind == Kind.CPU;
  }

  /** {@return whether this is a GPU} */
  public boolean isCuda() {
    return kind == Kind.CUDA;
  }

  /** {@code "cpu"} or {@code "cuda:0"}. */
  @Override
  public String toString() {
    return isCpu() ? "cpu" : "cuda:" + index;
  }
}
