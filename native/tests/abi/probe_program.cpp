/* SPDX-License-Identifier: Apache-2.0 */
// Declarations to a C program that prints them: sizes, offsets and values are the compiler's, not ours.
#include "surface.hpp"

namespace abi {
namespace {

/** As the inside of a string literal that printf prints. */
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '"' || c == '\\' ? std::string("\\") + c : c == '%' ? "%%" : std::string(1, c);
  }
  return out;
}

std::string print(const std::string& format, const std::string& arguments = "") {
  return "  printf(\"" + format + "\\n\"" + (arguments.empty() ? "" : ", ") + arguments + ");\n";
}

/** A key is one word in the list. */
std::string key(std::string name) {
  for (char& c : name) {
    c = c == ' ' ? '_' : c;
  }
  return name;
}

}  // namespace

std::string probe_program(const Surface& surface) {
  std::string body = print("abi %d.%d", "MEDPRUNER_ABI_MAJOR, MEDPRUNER_ABI_MINOR");
  for (const auto& [name, text] : surface.macros) {
    body += print("macro " + name + " " + escaped(text));
  }
  for (const auto& [name, type] : surface.typedefs) {
    body += print("typedef " + name + " size %zu: " + escaped(type), "sizeof(" + name + ")");
  }
  for (const std::string& name : surface.constants) {
    body += print("constant " + name + " %lld", "(long long)" + name);
  }
  for (const std::string& name : surface.opaque) {
    body += print("opaque " + name + " -");
  }
  for (const Struct& s : surface.structs) {
    body += print("struct " + key(s.name) + " size %zu align %zu",
                  "sizeof(" + s.name + "), _Alignof(" + s.name + ")");
    for (const Field& f : s.fields) {
      body += print("field " + key(s.name) + "." + f.name + " offset %zu size %zu: " + escaped(f.type),
                    "offsetof(" + s.name + ", " + f.name + "), sizeof(((" + s.name + "*)0)->" + f.name + ")");
    }
  }
  for (const auto& [name, signature] : surface.functions) {
    body += print("function " + name + " " + escaped(signature));
  }
  return "#include <stddef.h>\n#include <stdio.h>\n\n#include \"medpruner/medpruner.h\"\n\nint main(void) {\n" +
         body + "  return 0;\n}\n";
}

}  // namespace abi
