/** What a model that answers many remembers between requests. For this project's own modules. */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.memory;
