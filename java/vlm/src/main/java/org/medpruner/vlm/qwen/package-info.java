/** Qwen3-VL: a vision tower with DeepStack mergers and a Qwen3 decoder, on LibTorch's ops. */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.qwen;
