/* SPDX-License-Identifier: Apache-2.0 */
// abi_surface probe PREPROCESSED HEADERS PROGRAM.c   writes the program that prints the surface
// abi_surface compare LIST CURRENT                   0 when they say the same, else 1 and what to do
// abi_surface accept LIST CURRENT                    writes CURRENT over LIST, if the version allows
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>

#include "surface.hpp"

namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!(text << in.rdbuf())) {
    throw abi::Unreadable("cannot read " + path);
  }
  return text.str();
}

void write(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  if (!(out << text).flush()) {
    throw abi::Unreadable("cannot write " + path);
  }
}

const char* const kHeading =
    "# The public headers' surface, which callers are compiled against; kept by abi_surface "
    "(docs/abi.md).\n"
    "# Sizes, offsets and values are those of 64-bit Linux.\n";

int check(const std::string& list, const std::string& current, bool accept) {
  const std::string text = read(current);
  const abi::Verdict verdict = abi::compare(read(list), text);
  for (const std::string& difference : verdict.differences) {
    std::printf("%s\n", difference.c_str());
  }
  if (verdict.advice.empty()) {
    std::printf("the headers' surface is as listed\n");
    return 0;
  }
  if (accept && verdict.allowed) {
    write(list, kHeading + text);
    std::printf("wrote %s\n", list.c_str());
    return 0;
  }
  std::printf("%s\n", verdict.advice.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  try {
    if (command == "probe" && argc == 5) {
      write(argv[4], abi::probe_program(abi::read_surface(read(argv[2]), argv[3])));
      return 0;
    }
    if ((command == "compare" || command == "accept") && argc == 4) {
      return check(argv[2], argv[3], command == "accept");
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "abi_surface: %s\n", e.what());
    return 2;
  }
  std::fprintf(stderr, "usage: abi_surface probe PREPROCESSED HEADERS PROGRAM | compare LIST CURRENT "
                       "| accept LIST CURRENT\n");
  return 2;
}
