package org.medpruner.vlm.memory;

/** A question and its answer, as who asks tells them. */
public record Turn(String question, String answer) {}
