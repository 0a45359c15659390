package org.medpruner.serve;

/** A question and its answer, as the client tells them. */
record Turn(String question, String answer) {}
