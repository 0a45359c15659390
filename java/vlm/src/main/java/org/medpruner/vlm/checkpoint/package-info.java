/** Hugging Face checkpoint folders: mapped weights and their JSON configuration. */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.checkpoint;
