/** Gemma 3 with its SigLIP vision tower (MedGemma), on LibTorch's ops. */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.gemma;
