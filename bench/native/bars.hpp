/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** A bar of bench/bars.json, which the build turns into a table. Ratios need a baseline and are not in it. */
struct Bar {
  const char* id;
  const char* backend;
  const char* op;
  const char* name;
  const char* metric;
  bool at_least;
  double limit;
  const char* text;
};

constexpr Bar kBars[] = {
#include "bars.inc"
};
