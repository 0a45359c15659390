package org.medpruner;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One valid call of every op on the CPU, with its tensors by name, for tests that spoil them. */
final class OpCases {
  private OpCases() {}

  /**
   * A tensor argument.
   *
   * @param value null where an optional one is left out
   * @param wrongDtype a dtype the op refuses here; null if it takes any
   * @param leads whether other arguments are measured against this one, so that a wrong shape may
   *     be reported under their name
   */
  record Argument(
      String name,
      @Nullable TensorView value,
      boolean output,
      @Nullable DType wrongDtype,
      boolean leads) {}

  /** Calls the op. */
  interface Invocation {
    void run(List<@Nullable TensorView> tensors);
  }

  /** An op with valid arguments; the last tensor is the workspace, larger than it needs to be. */
  record OpCase(String op, long workspaceBytes, List<Argument> arguments, Invocation call) {
    List<@Nullable TensorView> tensors() {
      List<@Nullable TensorView> list = new ArrayList<>();
      for (Argument a : arguments) {
        list.add(a.value);
      }
      return list;
    }

    void runWith(int index, @Nullable TensorView replacement) {
      List<@Nullable TensorView> tensors = tensors();
      tensors.set(index, replacement);
      call.run(tensors);
    }

    int indexOf(String name) {
      for (int i = 0; i < arguments.size(); i++) {
        if (arguments.get(i).name.equals(name)) {
          return i;
        }
      }
      throw new AssertionError(name);
    }

    @Override
    public String toString() {
      return op;
    }
  }

  private static Argument in(String name, TensorView t, @Nullable DType wrong) {
    return new Argument(name, t, false, wrong, false);
  }

  private static Argument lead(String name, TensorView t, @Nullable DType wrong) {
    return new Argument(name, t, false, wrong, true);
  }

  private static Argument out(String name, TensorView t) {
    return new Argument(name, t, true, t.dtype() == DType.F64 ? DType.I16 : DType.F64, false);
  }

  private static Argument workspace(DeviceMemory memory) {
    return out("workspace", memory.output(DType.U8, 1 << 16));
  }

  // The lists allow null only for the optional tensors; ops are handed nulls on purpose.
  @SuppressWarnings("NullAway")
  static List<OpCase> all(DeviceMemory m) {
    int n = 12;
    long[] bounds = {0, 5, n};
    float[] values = new float[n * 4];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i * 7 % 11) / 11f;
    }
    List<OpCase> cases = new ArrayList<>();

    SliceAnchor.Params anchor = SliceAnchor.Params.of(0.05);
    TensorView slices = m.input(values, n, 4);
    TensorView offsets = m.input(bounds);
    cases.add(
        new OpCase(
            "sliceAnchor",
            SliceAnchor.workspaceBytes(anchor, slices, offsets),
            List.of(
                lead("slices", slices, DType.F64),
                lead("offsets", offsets, DType.I32),
                out("keep", m.output(DType.U8, n)),
                out("distance", m.output(DType.F32, n)),
                out("representative", m.output(DType.I32, n)),
                out("keptIndices", m.output(DType.I32, n)),
                out("keptCounts", m.output(DType.I32, 2)),
                out("flags", m.output(DType.U32, n)),
                workspace(m)),
            t ->
                SliceAnchor.run(
                    anchor,
                    t.get(0),
                    t.get(1),
                    new SliceAnchor.Outputs(
                        t.get(2), t.get(3), t.get(4), t.get(5), t.get(6), t.get(7)),
                    t.get(8),
                    Stream.DEFAULT)));

    SliceAnchor.Params guarded = anchor.withPatches(0.5, SlicePatches.planar(1, 2, 2, 1, 1));
    cases.add(
        new OpCase(
            "sliceAnchorWithPatches",
            SliceAnchor.workspaceBytes(guarded, slices, offsets),
            List.of(
                lead("slices", slices, DType.F64),
                lead("offsets", m.input(bounds), DType.I32),
                out("keep", m.output(DType.U8, n)),
                out("distance", m.output(DType.F32, n)),
                out("representative", m.output(DType.I32, n)),
                out("keptIndices", m.output(DType.I32, n)),
                out("keptCounts", m.output(DType.I32, 2)),
                out("flags", m.output(DType.U32, n)),
                out("patchDistance", m.output(DType.F32, n)),
                out("patchIndex", m.output(DType.I32, n)),
                workspace(m)),
            t ->
                SliceAnchor.run(
                    guarded,
                    t.get(0),
                    t.get(1),
                    new SliceAnchor.Outputs(
                        t.get(2), t.get(3), t.get(4), t.get(5), t.get(6), t.get(7), t.get(8),
                        t.get(9)),
                    t.get(10),
                    Stream.DEFAULT)));

    AttentionMass.Params mass = AttentionMass.Params.of(new AttentionMass.Contiguous(1));
    TensorView query = m.input(values, n, 2, 2);
    TensorView key = m.input(values, n, 2, 2);
    cases.add(
        new OpCase(
            "attentionMass",
            AttentionMass.workspaceBytes(mass, query, key, offsets),
            List.of(
                lead("query", query, DType.F64),
                in("key", key, DType.F16),
                new Argument("lse", m.input(new float[2 * n], 2, n), false, DType.F16, false),
                lead("offsets", m.input(bounds), DType.I32),
                out("mass", m.output(DType.F32, n)),
                out("pooledKeys", m.output(DType.F32, n, 2)),
                out("flags", m.output(DType.U32, 2)),
                workspace(m)),
            t ->
                AttentionMass.run(
                    mass,
                    t.get(0),
                    t.get(1),
                    t.get(2),
                    t.get(3),
                    new AttentionMass.Outputs(t.get(4), t.get(5), t.get(6)),
                    t.get(7),
                    Stream.DEFAULT)));

    NucleusSelect.Params select = NucleusSelect.Params.softmax(0.9, 2);
    float[] scoreValues = new float[n];
    System.arraycopy(values, 0, scoreValues, 0, n);
    TensorView scores = m.input(scoreValues, n);
    TensorView volumes = m.input(new long[] {0, 2});
    cases.add(
        new OpCase(
            "nucleusSelect",
            NucleusSelect.workspaceBytes(select, scores, offsets, volumes),
            List.of(
                lead("scores", scores, DType.F16),
                lead("offsets", m.input(bounds), DType.U32),
                new Argument("volumes", volumes, false, DType.I32, true),
                out("mask", m.output(DType.U8, n)),
                out("keptIndices", m.output(DType.I64, n)),
                out("keptCounts", m.output(DType.I64, 2)),
                out("keptMass", m.output(DType.F64, 2)),
                out("flags", m.output(DType.U32, 2)),
                workspace(m)),
            t ->
                NucleusSelect.run(
                    select,
                    t.get(0),
                    t.get(1),
                    t.get(2),
                    new NucleusSelect.Outputs(t.get(3), t.get(4), t.get(5), t.get(6), t.get(7)),
                    t.get(8),
                    Stream.DEFAULT)));

    ContextualMerge.Params merge = new ContextualMerge.Params(0.2);
    TensorView keys = m.input(values, n, 4);
    cases.add(
        new OpCase(
            "contextualMerge",
            ContextualMerge.workspaceBytes(merge, keys, offsets),
            List.of(
                lead("features", m.input(values, n, 4), DType.I32),
                lead("keys", keys, DType.BF16),
                in("nucleus", m.input(new byte[n], DType.U8, n), DType.I8),
                lead("offsets", m.input(bounds), DType.I32),
                out("merged", m.output(DType.F32, n, 4)),
                out("role", m.output(DType.U8, n)),
                out("assignment", m.output(DType.I64, n)),
                out("keptIndices", m.output(DType.I64, n)),
                out("keptCounts", m.output(DType.I64, 2)),
                out("flags", m.output(DType.U32, 2)),
                workspace(m)),
            t ->
                ContextualMerge.run(
                    merge,
                    t.get(0),
                    t.get(1),
                    t.get(2),
                    t.get(3),
                    new ContextualMerge.Outputs(
                        t.get(4), t.get(5), t.get(6), t.get(7), t.get(8), t.get(9)),
                    t.get(10),
                    Stream.DEFAULT)));

    TensorView source = m.input(values, n, 4);
    cases.add(
        new OpCase(
            "gatherRows",
            GatherRows.workspaceBytes(GatherRows.Params.DEFAULT, source, offsets),
            List.of(
                lead("source", source, null),
                in(
                    "indices",
                    m.input(new long[] {0, 2, 4, 1, 3, 5, 6, 7, 8, 9, 10, 11}),
                    DType.I32),
                in("counts", m.input(new long[] {3, 2}), DType.I32),
                lead("offsets", m.input(bounds), DType.I32),
                out("packed", m.output(DType.F32, 8, 4)),
                out("packedOffsets", m.output(DType.I64, 3)),
                out("flags", m.output(DType.U32, 2)),
                workspace(m)),
            t ->
                GatherRows.run(
                    GatherRows.Params.DEFAULT,
                    t.get(0),
                    t.get(1),
                    t.get(2),
                    t.get(3),
                    new GatherRows.Outputs(t.get(4), t.get(5), t.get(6)),
                    t.get(7),
                    Stream.DEFAULT)));
    cases.add(prune(m, values, scoreValues, bounds));
    cases.add(pruneAttended(m, values, bounds));
    return cases;
  }

  private static List<Argument> pruneArguments(
      DeviceMemory m, List<Argument> scores, float[] values, long[] bounds) {
    int n = 12;
    List<Argument> arguments = new ArrayList<>(scores);
    arguments.add(lead("features", m.input(values, n, 4), DType.I32));
    arguments.add(lead("offsets", m.input(bounds), DType.I32));
    arguments.add(in("segments", m.input(new byte[] {1, 0}, DType.U8, 2), DType.I8));
    arguments.add(new Argument("volumes", m.input(new long[] {0, 2}), false, DType.I32, true));
    arguments.add(out("packed", m.output(DType.F32, n, 4)));
    arguments.add(out("packedRows", m.output(DType.I64, n)));
    arguments.add(out("packedOffsets", m.output(DType.I64, 3)));
    arguments.add(out("role", m.output(DType.U8, n)));
    arguments.add(out("assignment", m.output(DType.I64, n)));
    arguments.add(out("keptMass", m.output(DType.F64, 2)));
    arguments.add(out("flags", m.output(DType.U32, 2)));
    arguments.add(workspace(m));
    return arguments;
  }

  /** The arguments behind the scores; {@code t} begins with the features. */
  @SuppressWarnings("NullAway")
  private static void runPrune(
      Prune.Params params, Prune.Scores scores, List<@Nullable TensorView> t) {
    Prune.run(
        params,
        scores,
        t.get(0),
        t.get(1),
        t.get(2),
        t.get(3),
        new Prune.Outputs(t.get(4), t.get(5), t.get(6), t.get(7), t.get(8), t.get(9), t.get(10)),
        t.get(11),
        Stream.DEFAULT);
  }

  @SuppressWarnings("NullAway")
  private static OpCase prune(DeviceMemory m, float[] values, float[] mass, long[] bounds) {
    Prune.Params params = Prune.Params.of(NucleusSelect.Params.softmax(0.5, 2), 0.2);
    int n = 12;
    List<Argument> arguments =
        pruneArguments(
            m,
            List.of(
                lead("mass", m.input(mass, n), DType.F16),
                lead("pooledKeys", m.input(values, n, 4), DType.BF16)),
            values,
            bounds);
    long bytes =
        Prune.workspaceBytes(
            params,
            new Prune.Given(arguments.get(0).value(), arguments.get(1).value()),
            arguments.get(2).value(),
            arguments.get(3).value(),
            arguments.get(5).value());
    return new OpCase(
        "prune",
        bytes,
        arguments,
        t -> runPrune(params, new Prune.Given(t.get(0), t.get(1)), t.subList(2, t.size())));
  }

  @SuppressWarnings("NullAway")
  private static OpCase pruneAttended(DeviceMemory m, float[] values, long[] bounds) {
    Prune.Params params = Prune.Params.of(NucleusSelect.Params.mass(0.5), 0.2);
    AttentionMass.Params attention = AttentionMass.Params.of(new AttentionMass.Contiguous(2));
    int n = 12;
    float[] patches = new float[2 * n * 4];
    System.arraycopy(values, 0, patches, 0, values.length);
    List<Argument> arguments =
        pruneArguments(
            m,
            List.of(
                lead("query", m.input(patches, 2L * n, 2, 2), DType.F64),
                in("key", m.input(patches, 2L * n, 2, 2), DType.F16),
                new Argument("lse", m.input(new float[4 * n], 2, 2L * n), false, DType.F16, false),
                out("mass", m.output(DType.F32, n)),
                out("pooledKeys", m.output(DType.F32, n, 2))),
            values,
            bounds);
    Prune.Attended scores =
        new Prune.Attended(
            attention,
            arguments.get(0).value(),
            arguments.get(1).value(),
            null,
            arguments.get(3).value(),
            arguments.get(4).value());
    long bytes =
        Prune.workspaceBytes(
            params,
            scores,
            arguments.get(5).value(),
            arguments.get(6).value(),
            arguments.get(8).value());
    return new OpCase(
        "pruneAttended",
        bytes,
        arguments,
        t ->
            runPrune(
                params,
                new Prune.Attended(attention, t.get(0), t.get(1), t.get(2), t.get(3), t.get(4)),
                t.subList(5, t.size())));
  }
}
