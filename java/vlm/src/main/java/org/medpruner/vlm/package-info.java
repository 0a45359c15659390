/**
 * The models: {@link org.medpruner.vlm.VisionLanguageModel} from a checkpoint folder, volumes
 * encoded and pruned, questions answered, and what each answer cost.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm;
