package org.medpruner.testkit.targets;

import java.nio.file.Path;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.GatherRows;
import org.medpruner.MedPruner;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.SliceAnchor;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.testkit.AttentionMassInput;
import org.medpruner.testkit.AttentionMassOutput;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.ContextualMergeOutput;
import org.medpruner.testkit.GatherRowsInput;
import org.medpruner.testkit.GatherRowsOutput;
import org.medpruner.testkit.InputChecks;
import org.medpruner.testkit.NucleusSelectInput;
import org.medpruner.testkit.NucleusSelectOutput;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.PruneInput;
import org.medpruner.testkit.PruneOutput;
import org.medpruner.testkit.SliceAnchorInput;
import org.medpruner.testkit.SliceAnchorOutput;

/**
 * A backend of this project's native library, through the public classes of core. Needs the library
 * and the device.
 */
public class BackendTarget implements ConformanceTarget {
  private final Device device;

  /**
   * The backend of a device.
   *
   * @param device where the tensors of every call lie
   * @throws IllegalArgumentException if the library cannot be loaded, is another one than {@code
   *     -Dmedpruner.library.path} names, or finds no such device: what passes is to be what was
   *     asked for, and a missing device is no refusal of bad input
   */
  public BackendTarget(Device device) {
    this.device = device;
    Path library = library();
    String asked = System.getProperty("medpruner.library.path", "");
    if (!asked.isEmpty()) {
      Path path = Path.of(asked).toAbsolutePath();
      if (!library.equals(path) && !path.equals(library.getParent())) {
        throw new IllegalArgumentException(
            "medpruner.library.path: "
                + asked
                + " was not loaded but "
                + library
                + "; name a libmedpruner of this platform, or its folder");
      }
    }
    if (!device.isCpu()) {
      requireCuda(device);
    }
  }

  private static Path library() {
    if (MedPruner.status() instanceof MedPruner.Status.Unavailable missing) {
      throw new IllegalArgumentException(
          "libmedpruner is unavailable: " + missing.reason(), missing.cause());
    }
    return MedPruner.buildInfo().path();
  }

  private static void requireCuda(Device device) {
    if (MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable missing) {
      throw new IllegalArgumentException(
          "CUDA is unavailable: " + missing.reason(), missing.cause());
    }
    if (MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Available found
        && device.index() >= found.devices().size()) {
      throw new IllegalArgumentException(
          device + " is not there; CUDA devices: " + found.devices().size());
    }
  }

  @Override
  public String name() {
    return "org.medpruner on " + device;
  }

  @Override
  public boolean supports(Op op, DType dtype) {
    return true;
  }

  @Override
  public InputChecks inputChecks() {
    return device.isCpu() ? InputChecks.REFUSED : InputChecks.FLAGGED;
  }

  @Override
  public SliceAnchorOutput sliceAnchor(SliceAnchorInput in) {
    long d = in.slices().rows();
    boolean patches = in.params().patches() != null;
    try (DeviceMemory memory = new DeviceMemory(device)) {
      TensorView distance = memory.output(DType.F32, d);
      TensorView flags = memory.output(DType.U32, d);
      TensorView patchDistance = memory.output(DType.F32, d);
      TensorView patchIndex = memory.output(DType.I32, d);
      SliceAnchor.Outputs out =
          new SliceAnchor.Outputs(
              memory.output(DType.U8, d),
              distance,
              memory.output(DType.I32, d),
              memory.output(DType.I32, d),
              memory.output(DType.I32, in.offsets().length - 1),
              flags,
              patches ? patchDistance : null,
              patches ? patchIndex : null);
      SliceAnchor.run(
          in.params(),
          memory.input(in.slices()),
          memory.input(in.offsets()),
          out,
          memory.workspace(),
          Stream.DEFAULT);
      return new SliceAnchorOutput(
          memory.bytes(out.keep()),
          memory.floats(distance),
          memory.ints(out.representative()),
          memory.ints(out.keptIndices()),
          memory.ints(out.keptCounts()),
          memory.ints(flags),
          patches ? memory.floats(patchDistance) : null,
          patches ? memory.ints(patchIndex) : null);
    }
  }

  @Override
  public AttentionMassOutput attentionMass(AttentionMassInput in) {
    long n = in.query().rows();
    long heads = in.query().size(1);
    long tokens = n / in.params().pooling().patchesPerToken();
    try (DeviceMemory memory = new DeviceMemory(device)) {
      TensorView pooledKeys = memory.output(DType.F32, tokens, in.query().size(2));
      AttentionMass.Outputs out =
          new AttentionMass.Outputs(
              memory.output(DType.F32, tokens),
              pooledKeys,
              memory.output(DType.U32, in.offsets().length - 1));
      float[] lse = in.lse();
      AttentionMass.run(
          in.params(),
          memory.input(in.query()),
          memory.input(in.key()),
          lse == null ? null : memory.input(lse, heads, n),
          memory.input(in.offsets()),
          out,
          memory.workspace(),
          Stream.DEFAULT);
      return new AttentionMassOutput(
          memory.floats(out.mass()), memory.floats(pooledKeys), memory.ints(out.flags()));
    }
  }

  @Override
  public NucleusSelectOutput nucleusSelect(NucleusSelectInput in) {
    long n = in.scores().length;
    long g = in.offsets().length - 1L;
    try (DeviceMemory memory = new DeviceMemory(device)) {
      NucleusSelect.Outputs out =
          new NucleusSelect.Outputs(
              memory.output(DType.U8, n),
              memory.output(DType.I64, n),
              memory.output(DType.I64, g),
              memory.output(DType.F64, g),
              memory.output(DType.U32, g));
      long[] volumes = in.volumes();
      NucleusSelect.run(
          in.params(),
          memory.input(in.scores(), n),
          memory.input(in.offsets()),
          volumes == null ? null : memory.input(volumes),
          out,
          memory.workspace(),
          Stream.DEFAULT);
      return new NucleusSelectOutput(
          memory.bytes(out.mask()),
          memory.longs(out.keptIndices()),
          memory.longs(out.keptCounts()),
          memory.doubles(out.keptMass()),
          memory.ints(out.flags()));
    }
  }

  @Override
  public ContextualMergeOutput contextualMerge(ContextualMergeInput in) {
    int n = in.features().rows();
    long g = in.offsets().length - 1L;
    try (DeviceMemory memory = new DeviceMemory(device)) {
      TensorView merged = memory.output(in.dtype(), n, in.features().columns());
      ContextualMerge.Outputs out =
          new ContextualMerge.Outputs(
              merged,
              memory.output(DType.U8, n),
              memory.output(DType.I64, n),
              memory.output(DType.I64, n),
              memory.output(DType.I64, g),
              memory.output(DType.U32, g));
      ContextualMerge.run(
          in.params(),
          memory.input(in.features()),
          memory.input(in.keys()),
          memory.input(in.nucleus()),
          memory.input(in.offsets()),
          out,
          memory.workspace(),
          Stream.DEFAULT);
      return new ContextualMergeOutput(
          memory.rows(merged, n),
          memory.bytes(out.role()),
          memory.longs(out.assignment()),
          memory.longs(out.keptIndices()),
          memory.longs(out.keptCounts()),
          memory.ints(out.flags()));
    }
  }

  @Override
  public GatherRowsOutput gatherRows(GatherRowsInput in) {
    int n = in.source().rows();
    try (DeviceMemory memory = new DeviceMemory(device)) {
      GatherRows.Outputs out =
          new GatherRows.Outputs(
              memory.output(in.dtype(), n, in.source().columns()),
              memory.output(DType.I64, in.offsets().length),
              memory.output(DType.U32, in.counts().length));
      GatherRows.run(
          GatherRows.Params.DEFAULT,
          memory.input(in.source()),
          memory.input(in.indices()),
          memory.input(in.counts()),
          memory.input(in.offsets()),
          out,
          memory.workspace(),
          Stream.DEFAULT);
      long[] offsets = memory.longs(out.packedOffsets());
      return new GatherRowsOutput(
          memory.rows(out.packed(), total(offsets, n)), offsets, memory.ints(out.flags()));
    }
  }

  @Override
  public PruneOutput prune(PruneInput in) {
    int n = in.features().rows();
    long g = in.offsets().length - 1L;
    try (DeviceMemory memory = new DeviceMemory(device)) {
      Prune.Outputs out =
          new Prune.Outputs(
              memory.output(in.dtype(), n, in.features().columns()),
              memory.output(DType.I64, n),
              memory.output(DType.I64, g + 1),
              memory.output(DType.U8, n),
              memory.output(DType.I64, n),
              memory.output(DType.F64, g),
              memory.output(DType.U32, g));
      byte[] segments = in.segments();
      long[] volumes = in.volumes();
      Prune.run(
          in.params(),
          new Prune.Given(memory.input(in.mass(), in.mass().length), memory.input(in.pooledKeys())),
          memory.input(in.features()),
          memory.input(in.offsets()),
          segments == null ? null : memory.input(segments),
          volumes == null ? null : memory.input(volumes),
          out,
          memory.workspace(),
          Stream.DEFAULT);
      long[] offsets = memory.longs(out.packedOffsets());
      int total = total(offsets, n);
      long[] rows = new long[total];
      System.arraycopy(memory.longs(out.packedRows()), 0, rows, 0, total);
      return new PruneOutput(
          memory.rows(out.packed(), total),
          rows,
          offsets,
          memory.bytes(out.role()),
          memory.longs(out.assignment()),
          memory.doubles(out.keptMass()),
          memory.ints(out.flags()));
    }
  }

  /** The number of packed rows; what a wrong op says of it is not trusted. */
  private static int total(long[] packedOffsets, int n) {
    return Math.clamp(packedOffsets[packedOffsets.length - 1], 0, n);
  }
}
