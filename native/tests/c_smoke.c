/* SPDX-License-Identifier: Apache-2.0 */
/* The headers as a C11 program sees them: each on its own, twice, and the umbrella. */
#include "medpruner/export.h"
#include "medpruner/export.h"
#include "medpruner/status.h"
#include "medpruner/status.h"
#include "medpruner/version.h"
#include "medpruner/version.h"
#include "medpruner/tensor.h"
#include "medpruner/tensor.h"
#include "medpruner/memory.h"
#include "medpruner/memory.h"
#include "medpruner/graph.h"
#include "medpruner/graph.h"
#include "medpruner/ops.h"
#include "medpruner/ops.h"
#include "medpruner/slice_anchor.h"
#include "medpruner/slice_anchor.h"
#include "medpruner/attention_mass.h"
#include "medpruner/attention_mass.h"
#include "medpruner/nucleus_select.h"
#include "medpruner/nucleus_select.h"
#include "medpruner/contextual_merge.h"
#include "medpruner/contextual_merge.h"
#include "medpruner/gather_rows.h"
#include "medpruner/gather_rows.h"
#include "medpruner/prune.h"
#include "medpruner/prune.h"
#include "medpruner/medpruner.h"
#include "medpruner/medpruner.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What callers without a C compiler, such as the Java binding, write down by hand. */
static_assert(sizeof(medpruner_device) == 8, "DLDevice");
static_assert(sizeof(medpruner_dtype) == 4, "DLDataType");
static_assert(sizeof(medpruner_tensor) == 48, "DLTensor");
static_assert(offsetof(medpruner_tensor, data) == 0, "DLTensor");
static_assert(offsetof(medpruner_tensor, device) == 8, "DLTensor");
static_assert(offsetof(medpruner_tensor, ndim) == 16, "DLTensor");
static_assert(offsetof(medpruner_tensor, dtype) == 20, "DLTensor");
static_assert(offsetof(medpruner_tensor, shape) == 24, "DLTensor");
static_assert(offsetof(medpruner_tensor, strides) == 32, "DLTensor");
static_assert(offsetof(medpruner_tensor, byte_offset) == 40, "DLTensor");
static_assert(sizeof(medpruner_slice_anchor_params) == 32, "slice_anchor");
static_assert(offsetof(medpruner_slice_anchor_params, flags) == 4, "slice_anchor");
static_assert(offsetof(medpruner_slice_anchor_params, gamma) == 8, "slice_anchor");
static_assert(offsetof(medpruner_slice_anchor_params, max_gap) == 24, "slice_anchor");
static_assert(sizeof(medpruner_slice_anchor_patches_params) == 88, "slice_anchor_patches");
static_assert(offsetof(medpruner_slice_anchor_patches_params, anchor) == 8, "slice_anchor_patches");
static_assert(offsetof(medpruner_slice_anchor_patches_params, patch_gamma) == 40, "patches");
static_assert(offsetof(medpruner_slice_anchor_patches_params, patch_width) == 80, "patches");
static_assert(sizeof(medpruner_attention_mass_params) == 56, "attention_mass");
static_assert(offsetof(medpruner_attention_mass_params, pooling) == 4, "attention_mass");
static_assert(offsetof(medpruner_attention_mass_params, scale) == 8, "attention_mass");
static_assert(offsetof(medpruner_attention_mass_params, grid_h) == 24, "attention_mass");
static_assert(sizeof(medpruner_nucleus_select_params) == 56, "nucleus_select");
static_assert(offsetof(medpruner_nucleus_select_params, tau) == 8, "nucleus_select");
static_assert(offsetof(medpruner_nucleus_select_params, min_tokens) == 24, "nucleus_select");
static_assert(offsetof(medpruner_nucleus_select_params, volume_max_tokens) == 48, "nucleus_select");
static_assert(sizeof(medpruner_contextual_merge_params) == 16, "contextual_merge");
static_assert(sizeof(medpruner_gather_rows_params) == 8, "gather_rows");
static_assert(sizeof(medpruner_prune_params) == 144, "prune");
static_assert(offsetof(medpruner_prune_params, attention) == 8, "prune");
static_assert(offsetof(medpruner_prune_params, nucleus) == 64, "prune");
static_assert(offsetof(medpruner_prune_params, merge) == 120, "prune");
static_assert(offsetof(medpruner_prune_params, dropped_tokens) == 136, "prune");
static_assert(sizeof(medpruner_build_info) == 48, "build_info");
static_assert(offsetof(medpruner_build_info, version) == 16, "build_info");
static_assert(sizeof(medpruner_cuda_device_info) == 288, "cuda_device_info");
static_assert(offsetof(medpruner_cuda_device_info, total_memory_bytes) == 16, "cuda_device_info");
static_assert(offsetof(medpruner_cuda_device_info, name) == 32, "cuda_device_info");

int main(void) {
  float scores[4] = {1.0f, 5.0f, 2.0f, 0.5f};
  int64_t offsets[2] = {0, 4};
  uint8_t mask[4];
  int64_t kept[4];
  int64_t counts[1];
  double mass[1];
  uint32_t flags[1];
  _Alignas(16) unsigned char workspace[4096];
  int64_t four = 4;
  int64_t two = 2;
  int64_t one = 1;
  size_t bytes = 0;
  const medpruner_device cpu = {MEDPRUNER_DEVICE_CPU, 0};
  const medpruner_dtype f32 = {MEDPRUNER_DTYPE_FLOAT, 32, 1};
  const medpruner_dtype f64 = {MEDPRUNER_DTYPE_FLOAT, 64, 1};
  const medpruner_dtype i64 = {MEDPRUNER_DTYPE_INT, 64, 1};
  const medpruner_dtype u8 = {MEDPRUNER_DTYPE_UINT, 8, 1};
  const medpruner_dtype u32 = {MEDPRUNER_DTYPE_UINT, 32, 1};
  const medpruner_tensor s = {scores, cpu, 1, f32, &four, NULL, 0};
  const medpruner_tensor o = {offsets, cpu, 1, i64, &two, NULL, 0};
  const medpruner_tensor m = {mask, cpu, 1, u8, &four, NULL, 0};
  const medpruner_tensor k = {kept, cpu, 1, i64, &four, NULL, 0};
  const medpruner_tensor c = {counts, cpu, 1, i64, &one, NULL, 0};
  const medpruner_tensor w = {mass, cpu, 1, f64, &one, NULL, 0};
  const medpruner_tensor f = {flags, cpu, 1, u32, &one, NULL, 0};
  const medpruner_nucleus_select_params params = {
      sizeof params, MEDPRUNER_SCORE_SOFTMAX, 0.9, 2.0, 0, 0, 0, 0};

  medpruner_status status = medpruner_nucleus_select_workspace(&params, &s, &o, NULL, &bytes);
  if (status != MEDPRUNER_OK || bytes > sizeof workspace) {
    printf("workspace query: %s, %zu bytes\n", medpruner_status_name(status), bytes);
    return 1;
  }
  status = medpruner_nucleus_select(&params, &s, &o, NULL, &m, &k, &c, &w, &f, workspace, bytes,
                                    NULL);
  if (status != MEDPRUNER_OK) {
    char text[256];
    medpruner_last_error(text, sizeof text, NULL);
    printf("%s: %s\n", medpruner_status_name(status), text);
    return 1;
  }
  /* softmax of scores / 2: 0.0949 0.7010 0.1564 0.0739; 0.701 + 0.156 < 0.9 <= + 0.095. */
  if (counts[0] != 3 || kept[0] != 0 || kept[1] != 1 || kept[2] != 2 || kept[3] != -1) {
    printf("kept %d tokens\n", (int)counts[0]);
    return 1;
  }
  printf("ok: %d of 4 tokens carry %.3f of the mass\n", (int)counts[0], mass[0]);
  return 0;
}
