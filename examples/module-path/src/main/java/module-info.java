// SPDX-License-Identifier: Apache-2.0

/** Requires the adapters, and through them the library and the presets of LibTorch. */
module example.modules {
  requires org.medpruner.torch;
}
