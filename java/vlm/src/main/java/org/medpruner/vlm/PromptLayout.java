package org.medpruner.vlm;

/** Where labels, images and the question stand in the prompt. */
public enum PromptLayout {
  /** Instruction, then per slice the image and its label "SLICE i", then the question. */
  GOOGLE,
  /** Per slice its label "SLICE i: " and the image, then the question: the released code's. */
  REFERENCE
}
