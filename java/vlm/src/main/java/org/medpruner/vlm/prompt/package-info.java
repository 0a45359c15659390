/** Text of a request: tokenizer, chat template, and which prompt token belongs to which slice. */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.prompt;
