package org.medpruner.testkit;

/**
 * What an implementation has to do, and where that is written.
 *
 * @param op the op
 * @param id name within the op, {@code "kept-lists"}
 * @param kind how it is checked
 * @param says the rule in one sentence
 * @param source the header or page that states it
 */
public record Rule(Op op, String id, Kind kind, String says, String source) {

  /** How a rule is checked. */
  public enum Kind {
    /** A valid input is answered. */
    ANSWER("answer"),
    /** An output has the bits of the specification. */
    BITS("bits"),
    /** An output lies within a tolerance of the specification. */
    TOLERANCE("tolerance"),
    /** Two runs of the target itself, or its input before and after one, agree bit for bit. */
    INVARIANCE("invariance"),
    /** What the authors' released code computes, where it is right. */
    GOLDEN("golden"),
    /** Bad input is refused. */
    REFUSAL("refusal");

    private final String id;

    Kind(String id) {
      this.id = id;
    }

    /** {@return its name in reports, in lower case} */
    public String id() {
      return id;
    }
  }

  /** {@return op and id, {@code "nucleus_select/mask"}} */
  public String name() {
    return op.id() + "/" + id;
  }
}
