package org.medpruner;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** The ops on Java arrays: copies in, runs on the CPU, copies out. */
final class HostOps {
  private HostOps() {}

  private static NativeBuffer buffer(long bytes) {
    return NativeBuffer.allocate(Device.CPU, bytes);
  }

  private static NativeBuffer longs(long... values) {
    NativeBuffer b = NativeBuffer.allocate(Device.CPU, DType.I64, values.length);
    b.copyFrom(values);
    return b;
  }

  private static NativeBuffer floats(float[] values) {
    NativeBuffer b = NativeBuffer.allocate(Device.CPU, DType.F32, values.length);
    b.copyFrom(values);
    return b;
  }

  private static int rows(String name, int length, long columns) {
    Check.that(columns >= 1, name, columns + " values per row", "at least 1");
    Check.that(length % columns == 0, name, length + " values", "a multiple of " + columns);
    return (int) (length / columns);
  }

  static SliceAnchor.Result sliceAnchor(
      SliceAnchor.Params params, DType dtype, int length, int depth, Consumer<NativeBuffer> fill) {
    Check.that(depth >= 1, "depth", depth, ">= 1");
    Check.that(
        length > 0 && length % depth == 0,
        "volume",
        length + " values",
        "a positive multiple of depth = " + depth);
    return anchorSlices(params, dtype, depth, length / depth, fill);
  }

  static SliceAnchor.Result sliceAnchor(SliceAnchor.Params params, List<byte[]> slices) {
    Check.that(!slices.isEmpty(), "slices", "empty", "at least one slice");
    int size = slices.get(0).length;
    Check.that(size >= 1, "slices", "of no values", "at least one value each");
    for (int i = 0; i < slices.size(); i++) {
      int length = slices.get(i).length;
      Check.that(length == size, "slices", length + " values in slice " + i, size + " values");
    }
    return anchorSlices(
        params,
        DType.U8,
        slices.size(),
        size,
        b -> {
          for (int i = 0; i < slices.size(); i++) {
            b.copyFrom(MemorySegment.ofArray(slices.get(i)), (long) i * size);
          }
        });
  }

  private static SliceAnchor.Result anchorSlices(
      SliceAnchor.Params params, DType dtype, int depth, long size, Consumer<NativeBuffer> fill) {
    Check.that(
        !Check.notNull("params", params).decideOnly(),
        "params",
        params,
        "without decideOnly: distances are returned");
    try (NativeBuffer input = NativeBuffer.allocate(Device.CPU, dtype, depth, size);
        NativeBuffer offsets = longs(0, depth);
        NativeBuffer results = buffer(SliceAnchor.Outputs.bytes(depth, 1));
        Workspace workspace = Workspace.create(Device.CPU)) {
      fill.accept(input);
      SliceAnchor.Outputs out =
          params.patches() == null
              ? SliceAnchor.Outputs.in(results, depth, 1)
              : SliceAnchor.Outputs.patchesIn(results, depth, 1);
      SliceAnchor.run(
          params,
          input.view(dtype, depth, size),
          offsets.view(DType.I64, 2),
          out,
          workspace,
          Stream.DEFAULT);
      return new SliceAnchor.Result(
          HostArrays.booleans(out.keep()),
          HostArrays.floats(Check.notNull("distance", out.distance())),
          HostArrays.ints(out.representative()),
          HostArrays.prefix(
              HostArrays.ints(out.keptIndices()), HostArrays.ints(out.keptCounts())[0]),
          HostArrays.ints(Check.notNull("flags", out.flags())),
          out.patchDistance() == null ? new float[0] : HostArrays.floats(out.patchDistance()),
          out.patchIndex() == null ? new int[0] : HostArrays.ints(out.patchIndex()));
    }
  }

  static AttentionMass.Result attentionMass(
      AttentionMass.Params params, float[] query, float[] key, int heads, int headDim) {
    Check.that(heads >= 1, "heads", heads, ">= 1");
    Check.that(headDim >= 1, "headDim", headDim, ">= 1");
    int patches = rows("query", query.length, (long) heads * headDim);
    Check.that(key.length == query.length, "key", key.length + " values", "as many as query");
    Check.notNull("params", params);
    if (params.pooling() instanceof AttentionMass.Grid grid) {
      long size = grid.gridHeight() * grid.gridWidth();
      Check.that(
          patches == 0 || patches == size, "query", patches + " patches", size + ", the grid's");
    }
    int tokens = Math.toIntExact(patches / params.pooling().patchesPerToken());
    try (NativeBuffer q = floats(query);
        NativeBuffer k = floats(key);
        NativeBuffer offsets = longs(0, patches);
        NativeBuffer results = buffer(AttentionMass.Outputs.bytes(tokens, headDim, 1));
        Workspace workspace = Workspace.create(Device.CPU)) {
      AttentionMass.Outputs out = AttentionMass.Outputs.in(results, tokens, headDim, 1);
      AttentionMass.run(
          params,
          q.view(DType.F32, patches, heads, headDim),
          k.view(DType.F32, patches, heads, headDim),
          null,
          offsets.view(DType.I64, 2),
          out,
          workspace,
          Stream.DEFAULT);
      TensorView pooledKeys = Check.notNull("pooledKeys", out.pooledKeys());
      return new AttentionMass.Result(
          HostArrays.floats(out.mass()),
          HostArrays.floats(pooledKeys),
          HostArrays.ints(out.flags())[0]);
    }
  }

  static NucleusSelect.Result nucleusSelect(NucleusSelect.Params params, float[] scores) {
    int n = scores.length;
    try (NativeBuffer input = floats(scores);
        NativeBuffer offsets = longs(0, n);
        NativeBuffer results = buffer(NucleusSelect.Outputs.bytes(n, 1));
        Workspace workspace = Workspace.create(Device.CPU)) {
      NucleusSelect.Outputs out = NucleusSelect.Outputs.in(results, n, 1);
      NucleusSelect.run(
          params,
          input.view(DType.F32, n),
          offsets.view(DType.I64, 2),
          null,
          out,
          workspace,
          Stream.DEFAULT);
      return new NucleusSelect.Result(
          HostArrays.booleans(out.mask()),
          HostArrays.indices(out.keptIndices(), HostArrays.longs(out.keptCounts())[0]),
          HostArrays.doubles(out.keptMass())[0],
          HostArrays.ints(out.flags())[0]);
    }
  }

  static ContextualMerge.Result contextualMerge(
      ContextualMerge.Params params, float[] features, float[] keys, boolean[] nucleus) {
    int n = nucleus.length;
    Check.that(n >= 1, "nucleus", "empty", "one entry per token");
    Check.that(
        features.length % n == 0, "features", features.length + " values", "a multiple of " + n);
    Check.that(keys.length % n == 0, "keys", keys.length + " values", "a multiple of " + n);
    byte[] mask = new byte[n];
    for (int i = 0; i < n; i++) {
      mask[i] = (byte) (nucleus[i] ? 1 : 0);
    }
    try (NativeBuffer f = floats(features);
        NativeBuffer k = floats(keys);
        NativeBuffer selected = buffer(n);
        NativeBuffer offsets = longs(0, n);
        NativeBuffer results = buffer(ContextualMerge.Outputs.bytes(n, 1));
        Workspace workspace = Workspace.create(Device.CPU)) {
      selected.copyFrom(mask);
      TensorView featureRows = f.view(DType.F32, n, features.length / n);
      ContextualMerge.Outputs out = ContextualMerge.Outputs.in(results, featureRows, n, 1);
      ContextualMerge.run(
          params,
          featureRows,
          k.view(DType.F32, n, keys.length / n),
          selected.view(DType.U8, n),
          offsets.view(DType.I64, 2),
          out,
          workspace,
          Stream.DEFAULT);
      return new ContextualMerge.Result(
          HostArrays.floats(featureRows),
          HostArrays.bytes(out.role()),
          HostArrays.indices(out.assignment(), n),
          HostArrays.indices(out.keptIndices(), HostArrays.longs(out.keptCounts())[0]),
          HostArrays.ints(out.flags())[0]);
    }
  }

  static Prune.Result prune(Prune.Params params, float[] mass, float[] keys, float[] features) {
    int n = mass.length;
    Check.that(n >= 1, "mass", "empty", "one entry per token");
    Check.that(keys.length % n == 0, "pooledKeys", keys.length + " values", "a multiple of " + n);
    Check.that(
        features.length % n == 0, "features", features.length + " values", "a multiple of " + n);
    int channels = features.length / n;
    try (NativeBuffer m = floats(mass);
        NativeBuffer k = floats(keys);
        NativeBuffer f = floats(features);
        NativeBuffer offsets = longs(0, n);
        NativeBuffer results = buffer(Prune.Outputs.bytes(DType.F32, n, channels, n, 1));
        Workspace workspace = Workspace.create(Device.CPU)) {
      Prune.Outputs out = Prune.Outputs.in(results, DType.F32, n, channels, n, 1);
      Prune.run(
          params,
          new Prune.Given(m.view(DType.F32, n), k.view(DType.F32, n, keys.length / n)),
          f.view(DType.F32, n, channels),
          offsets.view(DType.I64, 2),
          null,
          null,
          out,
          workspace,
          Stream.DEFAULT);
      int kept = Math.toIntExact(HostArrays.longs(out.packedOffsets())[1]);
      return new Prune.Result(
          Arrays.copyOf(HostArrays.floats(out.packed()), kept * channels),
          HostArrays.indices(out.packedRows(), kept),
          HostArrays.bytes(out.role()),
          HostArrays.indices(out.assignment(), n),
          HostArrays.doubles(out.keptMass())[0],
          HostArrays.ints(out.flags())[0]);
    }
  }

  static float[] gatherRows(float[] source, int columns, int[] indices) {
    int n = rows("source", source.length, columns);
    int kept = indices.length;
    Check.that(kept <= n, "indices", kept + " entries", "at most one per row, " + n);
    long[] padded = new long[n];
    for (int i = 0; i < kept; i++) {
      padded[i] = indices[i];
    }
    try (NativeBuffer input = floats(source);
        NativeBuffer list = longs(padded);
        NativeBuffer counts = longs(kept);
        NativeBuffer offsets = longs(0, n);
        NativeBuffer results = buffer(GatherRows.Outputs.bytes(DType.F32, kept, columns, 1));
        Workspace workspace = Workspace.create(Device.CPU)) {
      GatherRows.Outputs out = GatherRows.Outputs.in(results, DType.F32, kept, columns, 1);
      GatherRows.run(
          GatherRows.Params.DEFAULT,
          input.view(DType.F32, n, columns),
          list.view(DType.I64, n),
          counts.view(DType.I64, 1),
          offsets.view(DType.I64, 2),
          out,
          workspace,
          Stream.DEFAULT);
      return HostArrays.floats(out.packed());
    }
  }
}
