package org.medpruner.vlm.memory;

/**
 * A question and its answer, as who asks tells them.
 *
 * @param question as it was asked
 * @param answer its text, without a thinking block
 */
public record Turn(String question, String answer) {}
