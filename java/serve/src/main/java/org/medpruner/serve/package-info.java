/** Answers questions over HTTP, as OpenAI's chat completions do: {@link MedPrunerServer}. */
@org.jspecify.annotations.NullMarked
package org.medpruner.serve;
