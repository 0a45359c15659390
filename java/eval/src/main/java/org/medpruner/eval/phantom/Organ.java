package org.medpruner.eval.phantom;

/** Organs that can hold a lesion. Each phantom has at most one lesion in each. */
public enum Organ {
  /** Patient's left, so on the right of a presented slice. */
  LEFT_LUNG("left lung", Side.LEFT),
  /** Patient's right, so on the left of a presented slice. */
  RIGHT_LUNG("right lung", Side.RIGHT),
  /** On the patient's right. */
  LIVER("liver", Side.RIGHT),
  /** On the patient's left. */
  SPLEEN("spleen", Side.LEFT);

  /** Side of the patient. */
  public enum Side {
    LEFT("left"),
    RIGHT("right");

    private final String word;

    Side(String word) {
      this.word = word;
    }

    /** As questions say it. */
    public String word() {
      return word;
    }
  }

  private final String word;
  private final Side side;

  Organ(String word, Side side) {
    this.word = word;
    this.side = side;
  }

  /** As questions say it, "left lung". */
  public String word() {
    return word;
  }

  /** The side of the patient that it lies on. */
  public Side side() {
    return side;
  }

  boolean isLung() {
    return this == LEFT_LUNG || this == RIGHT_LUNG;
  }
}
