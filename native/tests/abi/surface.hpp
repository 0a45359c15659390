/* SPDX-License-Identifier: Apache-2.0 */
// The public headers' surface: what a program compiled against them relies on.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace abi {

struct Field {
  std::string name;
  std::string type;
};

struct Struct {
  std::string name;  // as a C program writes it: a typedef's name or "struct tag"
  std::vector<Field> fields;
};

/** Name, and what is said of it: a type, a signature, a macro's text. */
using Named = std::pair<std::string, std::string>;

struct Surface {
  std::vector<std::string> constants;  // of enumerations
  std::vector<Struct> structs;
  std::vector<std::string> opaque;
  std::vector<Named> typedefs;
  std::vector<Named> functions;
  std::vector<Named> macros;
};

/** A declaration this reader does not understand, or a list it cannot read. */
struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/**
 * Reads what `cc -E -dD` made of the umbrella header; of it the parts that come from files whose path begins
 * with `headers`. Knows the C these headers are written in: typedefs, structs of plain members, enumerations,
 * prototypes with named parameters. Anything else is Unreadable, never skipped.
 */
Surface read_surface(const std::string& preprocessed, const std::string& headers);

/** A C program that prints the surface as lines "<kind> <name> <rest>", with the compiler's own numbers. */
std::string probe_program(const Surface& surface);

/** What comparing two printed surfaces gives. */
struct Verdict {
  std::vector<std::string> differences;  // in words, breaking ones first
  bool breaking = false;                 // callers of the listed surface break
  bool added = false;                    // there is more than is listed
  bool same_version = false;             // neither number was raised
  bool allowed = true;                   // the version numbers were raised as the differences ask
  std::string advice;                    // what to do; empty when nothing differs
};

/** Compares what the headers have (`current`) with what was committed (`listed`). */
Verdict compare(const std::string& listed, const std::string& current);

}  // namespace abi
