/* SPDX-License-Identifier: Apache-2.0 */
// Preprocessed headers to declarations.
#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>

#include "surface.hpp"

namespace abi {
namespace {

using Tokens = std::vector<std::string>;

bool is_word(const std::string& token) {
  return !token.empty() && (std::isalpha(static_cast<unsigned char>(token[0])) || token[0] == '_');
}

bool is_word_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::string joined(Tokens::const_iterator first, Tokens::const_iterator last) {
  std::string text;
  for (auto t = first; t != last; ++t) {
    const bool tight = text.empty() || *t == "," || *t == ")" || *t == "[" || *t == "]" ||
                       text.back() == '(' || text.back() == '[' || (*t == "*" && text.back() == '*');
    text += (tight ? "" : " ") + *t;
  }
  return text;
}

std::string joined(const Tokens& tokens) { return joined(tokens.begin(), tokens.end()); }

void append_tokens(const std::string& line, Tokens* out) {
  for (size_t i = 0; i < line.size();) {
    size_t end = i + 1;
    if (std::isspace(static_cast<unsigned char>(line[i]))) {
      i = end;
      continue;
    }
    if (is_word_part(line[i])) {
      while (end < line.size() && is_word_part(line[end])) {
        ++end;
      }
    } else if (line[i] == '"') {
      end = line.find('"', end);
      end = end == std::string::npos ? line.size() : end + 1;
    }
    out->push_back(line.substr(i, end - i));
    i = end;
  }
}

/** The index after the bracket that closes the one at `open`. */
size_t after_closing(const Tokens& tokens, size_t open) {
  int depth = 0;
  for (size_t i = open; i < tokens.size(); ++i) {
    const std::string& t = tokens[i];
    depth += t == "(" || t == "{" || t == "[" ? 1 : 0;
    depth -= t == ")" || t == "}" || t == "]" ? 1 : 0;
    if (depth == 0) {
      return i + 1;
    }
  }
  throw Unreadable("a bracket is never closed");
}

Tokens without_attributes(const Tokens& tokens) {
  Tokens kept;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] == "__attribute__" && i + 1 < tokens.size()) {
      i = after_closing(tokens, i + 1) - 1;
    } else if (tokens[i] != "__extension__") {
      kept.push_back(tokens[i]);
    }
  }
  return kept;
}

/** Splits at `separator` outside brackets. */
std::vector<Tokens> split(Tokens::const_iterator first, Tokens::const_iterator last,
                          const std::string& separator) {
  std::vector<Tokens> parts(1);
  int depth = 0;
  for (auto t = first; t != last; ++t) {
    depth += *t == "(" || *t == "{" || *t == "[" ? 1 : 0;
    depth -= *t == ")" || *t == "}" || *t == "]" ? 1 : 0;
    if (depth == 0 && *t == separator) {
      parts.emplace_back();
    } else {
      parts.back().push_back(*t);
    }
  }
  return parts;
}

/** "const float * x [4]": type "const float * [4]", name "x". The name is the last word before any extent. */
Field declarator(const Tokens& tokens) {
  const auto extent = std::find(tokens.begin(), tokens.end(), "[");
  const bool plain = std::none_of(tokens.begin(), tokens.end(),
                                  [](const std::string& t) { return t == "(" || t == ":" || t == "="; });
  if (!plain || extent - tokens.begin() < 2 || !is_word(*(extent - 1))) {
    throw Unreadable("expected a type and a name: " + joined(tokens));
  }
  Tokens type(tokens.begin(), extent - 1);
  type.insert(type.end(), extent, tokens.end());
  return {*(extent - 1), joined(type)};
}

std::string parameters(const Tokens& tokens, size_t open, size_t close) {
  const auto parts = split(tokens.begin() + static_cast<std::ptrdiff_t>(open) + 1,
                           tokens.begin() + static_cast<std::ptrdiff_t>(close), ",");
  if (parts.size() == 1 && parts[0] == Tokens{"void"}) {
    return "(void)";
  }
  std::string text;
  for (const Tokens& part : parts) {
    const Field parameter = declarator(part);
    text += (text.empty() ? "" : ", ") + parameter.type + " " + parameter.name;
  }
  return "(" + text + ")";
}

std::vector<Field> fields(const Tokens& body) {
  std::vector<Field> all;
  for (const Tokens& statement : split(body.begin(), body.end(), ";")) {
    if (statement.empty()) {
      continue;
    }
    const auto parts = split(statement.begin(), statement.end(), ",");
    const Field first = declarator(parts[0]);
    all.push_back(first);
    for (size_t i = 1; i < parts.size(); ++i) {
      if (parts[i].size() != 1 || parts[0].back() != first.name) {
        throw Unreadable("expected plain names after a comma: " + joined(statement));
      }
      all.push_back({parts[i][0], first.type});
    }
  }
  return all;
}

class Reader {
 public:
  Surface surface;

  void macro(const std::string& definition) {
    const size_t end = static_cast<size_t>(
        std::find_if_not(definition.begin(), definition.end(), is_word_part) - definition.begin());
    const std::string name = definition.substr(0, end);
    Tokens tokens;
    append_tokens(definition.substr(std::min(definition.size(), end)), &tokens);
    const std::array<const char*, 3> elsewhere = {"MEDPRUNER_API", "MEDPRUNER_ABI_MAJOR", "MEDPRUNER_ABI_MINOR"};
    if (tokens.empty() || std::find(elsewhere.begin(), elsewhere.end(), name) != elsewhere.end()) {
      return;  // include guards; the version has a line of its own
    }
    surface.macros.emplace_back(name, joined(tokens));
  }

  /** One declaration, without its semicolon. */
  void declaration(const Tokens& raw) {
    const Tokens tokens = without_attributes(raw);
    if (tokens.empty() || tokens[0] == "_Static_assert") {
      return;
    }
    const bool is_typedef = tokens[0] == "typedef";
    const size_t start = is_typedef ? 1 : 0;
    const std::string& head = tokens.at(start);
    const auto brace = std::find(tokens.begin(), tokens.end(), "{");
    if (head == "enum" && brace != tokens.end()) {
      constants(tokens, static_cast<size_t>(brace - tokens.begin()));
    } else if (head == "struct" && brace != tokens.end()) {
      structure(tokens, static_cast<size_t>(brace - tokens.begin()));
    } else if (head == "struct" && is_typedef && tokens.size() == 4 && is_word(tokens[3])) {
      surface.opaque.push_back(tokens[3]);
    } else if (is_typedef) {
      const Field named = declarator({tokens.begin() + 1, tokens.end()});
      surface.typedefs.emplace_back(named.name, named.type);
    } else {
      prototype(tokens);
    }
  }

 private:
  void constants(const Tokens& tokens, size_t open) {
    const size_t end = after_closing(tokens, open);
    for (const Tokens& part : split(tokens.begin() + static_cast<std::ptrdiff_t>(open) + 1,
                                    tokens.begin() + static_cast<std::ptrdiff_t>(end) - 1, ",")) {
      if (!part.empty()) {
        surface.constants.push_back(part[0]);
      }
    }
    if (end != tokens.size()) {
      throw Unreadable("an enumeration with a name of its own: " + joined(tokens));
    }
  }

  void structure(const Tokens& tokens, size_t open) {
    const size_t end = after_closing(tokens, open);
    Struct s;
    if (tokens[0] == "typedef" && end + 1 == tokens.size()) {
      s.name = tokens[end];
    } else if (tokens[0] == "struct" && open == 2 && end == tokens.size()) {
      s.name = "struct " + tokens[1];
    } else {
      throw Unreadable("expected one name for a struct: " + joined(tokens));
    }
    s.fields = fields({tokens.begin() + static_cast<std::ptrdiff_t>(open) + 1,
                       tokens.begin() + static_cast<std::ptrdiff_t>(end) - 1});
    surface.structs.push_back(s);
  }

  void prototype(const Tokens& tokens) {
    const auto paren = std::find(tokens.begin(), tokens.end(), "(");
    const size_t open = static_cast<size_t>(paren - tokens.begin());
    if (paren == tokens.end() || open < 2 || after_closing(tokens, open) != tokens.size()) {
      throw Unreadable("neither type nor prototype: " + joined(tokens));
    }
    const size_t first = tokens[0] == "extern" ? 1 : 0;
    surface.functions.emplace_back(
        tokens[open - 1], joined(tokens.begin() + static_cast<std::ptrdiff_t>(first), paren - 1) + " " +
                              parameters(tokens, open, tokens.size() - 1));
  }
};

}  // namespace

Surface read_surface(const std::string& preprocessed, const std::string& headers) {
  Reader reader;
  Tokens tokens;
  bool ours = false;
  std::istringstream lines(preprocessed);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# ", 0) == 0 || line.rfind("#line ", 0) == 0) {
      const size_t quote = line.find('"');
      ours = quote != std::string::npos && line.compare(quote + 1, headers.size(), headers) == 0;
    } else if (ours && line.rfind("#define ", 0) == 0) {
      reader.macro(line.substr(8));
    } else if (ours && line.rfind("#", 0) != 0) {
      append_tokens(line, &tokens);
    }
  }
  for (const Tokens& declaration : split(tokens.begin(), tokens.end(), ";")) {
    reader.declaration(declaration);
  }
  return reader.surface;
}

}  // namespace abi
