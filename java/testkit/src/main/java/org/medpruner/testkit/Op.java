package org.medpruner.testkit;

import java.util.Arrays;
import java.util.List;
import org.medpruner.DType;

/** The ops of the method, as the C interface names them. */
public enum Op {
  /** Inter-slice anchor-based filtering; the dtype is that of the slices. */
  SLICE_ANCHOR("slice_anchor", DType.U8, DType.I16, DType.F16, DType.BF16, DType.F32),
  /** Attention column mass; the dtype is that of query and key. */
  ATTENTION_MASS("attention_mass", DType.F16, DType.BF16, DType.F32),
  /** Dynamic information nucleus selection. */
  NUCLEUS_SELECT("nucleus_select", DType.F32),
  /** Contextual merge; the dtype is that of the features. */
  CONTEXTUAL_MERGE("contextual_merge", DType.F16, DType.BF16, DType.F32),
  /** Ragged compaction of rows of any dtype. */
  GATHER_ROWS("gather_rows", DType.values()),
  /** Selection, merge and compaction in one call; the dtype is that of the features. */
  PRUNE("prune", DType.F16, DType.BF16, DType.F32);

  private final String id;

  @SuppressWarnings("ImmutableEnumChecker") // List.of
  private final List<DType> dtypes;

  Op(String id, DType... dtypes) {
    this.id = id;
    this.dtypes = List.of(dtypes);
  }

  /** {@return its name in the C interface, in reports and on the command line, "slice_anchor"} */
  public String id() {
    return id;
  }

  /** {@return the dtypes that the specification has for the op; unmodifiable} */
  public List<DType> dtypes() {
    return dtypes;
  }

  /**
   * The op of that {@link #id}.
   *
   * @param id in lower case, {@code "slice_anchor"}
   * @return that op
   * @throws IllegalArgumentException if there is none
   */
  public static Op of(String id) {
    for (Op op : values()) {
      if (op.id.equals(id)) {
        return op;
      }
    }
    throw new IllegalArgumentException(
        "op: is \""
            + id
            + "\", expected one of "
            + String.join(", ", Arrays.stream(values()).map(Op::id).toList()));
  }

  @Override
  public String toString() {
    return id;
  }
}
