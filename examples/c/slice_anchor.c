/* SPDX-License-Identifier: Apache-2.0 */
/* The README's C example: anchors 24 slices of 8-bit pixels. Compiled and run by ctest. */
/* README */
#include <medpruner/medpruner.h>
#include <stdio.h>

enum { D = 24, S = 112 * 112 };
static uint8_t pixels[D * S], keep[D];
static _Alignas(16) uint8_t scratch[1 << 20];
static float distance[D];
static int32_t representative[D], kept[D], count;
static uint32_t flags[D];
static int64_t volumes[2] = {0, D}, depth = D, one = 1, two = 2, shape[2] = {D, S};

static medpruner_tensor host(void* data, uint8_t code, uint8_t bits, int32_t ndim, int64_t* extents) {
  medpruner_tensor t = {data, {MEDPRUNER_DEVICE_CPU, 0}, ndim, {code, bits, 1}, extents, NULL, 0};
  return t;
}

int main(void) {
  for (int i = 0; i < D * S; ++i) pixels[i] = (uint8_t)(40 * (i / (8 * S))); /* changes twice */
  medpruner_slice_anchor_params params = {sizeof params, 0, 0.05, 1 / 127.5, 0};
  medpruner_tensor in = host(pixels, MEDPRUNER_DTYPE_UINT, 8, 2, shape);
  medpruner_tensor offsets = host(volumes, MEDPRUNER_DTYPE_INT, 64, 1, &two);
  medpruner_tensor k = host(keep, MEDPRUNER_DTYPE_UINT, 8, 1, &depth);
  medpruner_tensor d = host(distance, MEDPRUNER_DTYPE_FLOAT, 32, 1, &depth);
  medpruner_tensor r = host(representative, MEDPRUNER_DTYPE_INT, 32, 1, &depth);
  medpruner_tensor i = host(kept, MEDPRUNER_DTYPE_INT, 32, 1, &depth);
  medpruner_tensor c = host(&count, MEDPRUNER_DTYPE_INT, 32, 1, &one);
  medpruner_tensor f = host(flags, MEDPRUNER_DTYPE_UINT, 32, 1, &depth);
  if (medpruner_slice_anchor(&params, &in, &offsets, &k, &d, &r, &i, &c, &f, scratch,
                             sizeof scratch, NULL) != MEDPRUNER_OK) {
    char text[256];
    medpruner_last_error(text, sizeof text, NULL);
    return fprintf(stderr, "%s\n", text), 1;
  }
  printf("kept %d of %d slices\n", count, D); /* kept 3 of 24 slices */
  return count != 3;
}
/* README */
