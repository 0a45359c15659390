/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What this executable or shared library knows about itself: where its data lie, and its __shared__
// variables.

#include <stdint.h>

#include <string>
#include <vector>

#include "executor/executor.hpp"
#include "executor/memory.hpp"

namespace simt {

/**
 * Every __shared__ variable starts at a multiple of this (the stand-in header says so), which is more
 * than the 48 KB a static one can have: so a gap follows each of them, and they tell themselves from all
 * other variables.
 */
constexpr uintptr_t kSharedAlignment = 65536;

struct Image {
  uintptr_t base;                    // what a pc is relative to
  uintptr_t data_begin, data_end;    // writable segments
  uintptr_t begin, end;              // all of it
  std::vector<Object> shared;        // ascending
  std::vector<Object> functions;     // ascending
};

const Image& image();

/** Name of the function that begins there, without namespaces of this project and arguments. */
std::string function_name(const void* address);

/** A number for a code address or a Site, and its "file:line": addr2line's, else the offset. */
uint32_t place_of(uintptr_t pc);
uint32_t place_of(Site site);
std::string source_line(uint32_t place);

}  // namespace simt
