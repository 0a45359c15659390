package org.medpruner.vlm;

/**
 * Where labels, images and the question stand in the prompt. Only Gemma's template leaves a choice:
 * Qwen3-VL's and Hulu-Med's are the images, without labels, and then the question in either layout.
 */
public enum PromptLayout {
  /** Instruction, then per slice the image and its label "SLICE i", then the question. */
  GOOGLE,
  /** Per slice its label "SLICE i: " and the image, then the question: the released code's. */
  REFERENCE
}
