/* SPDX-License-Identifier: Apache-2.0 */
// Two printed surfaces to a verdict, by the rules of docs/abi.md.
#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>

#include "surface.hpp"

namespace abi {
namespace {

struct Version {
  int major = -1;
  int minor = 0;
  std::string text() const { return std::to_string(major) + "." + std::to_string(minor); }
};

struct Listing {
  Version version;
  std::map<std::string, std::string> lines;  // "function medpruner_free" -> its signature
};

Listing parse(const std::string& text) {
  Listing listing;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    if (line.rfind("abi ", 0) == 0) {
      if (std::sscanf(line.c_str(), "abi %d.%d", &listing.version.major, &listing.version.minor) != 2) {
        throw Unreadable("no version: " + line);
      }
      continue;
    }
    const size_t first = line.find(' ');
    const size_t second = first == std::string::npos ? first : line.find(' ', first + 1);
    if (second == std::string::npos) {
      throw Unreadable("expected a kind, a name and a description: " + line);
    }
    listing.lines[line.substr(0, second)] = line.substr(second + 1);
  }
  if (listing.version.major < 0) {
    throw Unreadable("the list has no line \"abi MAJOR.MINOR\"");
  }
  return listing;
}

struct Layout {
  size_t size = 0;
  size_t align = 0;
};

Layout layout(const std::string& text) {
  Layout l;
  if (std::sscanf(text.c_str(), "size %zu align %zu", &l.size, &l.align) != 2) {
    throw Unreadable("no layout: " + text);
  }
  return l;
}

/** Whether callers with the shorter struct can be told apart: by struct_size, which comes first. */
bool says_its_size(const Listing& listed, const std::string& name) {
  const auto field = listed.lines.find("field " + name + ".struct_size");
  return field != listed.lines.end() && field->second.rfind("offset 0 ", 0) == 0;
}

bool grew_compatibly(const Listing& listed, const std::string& key, const std::string& before,
                     const std::string& after) {
  const std::string prefix = "struct ";
  if (key.rfind(prefix, 0) != 0) {
    return false;
  }
  const Layout a = layout(before);
  const Layout b = layout(after);
  return b.size > a.size && b.align == a.align && says_its_size(listed, key.substr(prefix.size()));
}

/** A member that is new in a struct that is not must lie past the struct's former end. */
bool appended(const Listing& listed, const std::string& key, const std::string& text) {
  const std::string prefix = "field ";
  if (key.rfind(prefix, 0) != 0) {
    return true;
  }
  const auto owner = listed.lines.find("struct " + key.substr(prefix.size(), key.find('.') - prefix.size()));
  size_t offset = 0;
  return owner == listed.lines.end() ||
         (std::sscanf(text.c_str(), "offset %zu", &offset) == 1 && offset >= layout(owner->second).size);
}

/** A signature, "int32_t (const float * x, size_t n)", without and with nothing but its parameters' names. */
struct Signature {
  std::string types;
  std::vector<std::string> names;
};

Signature signature(const std::string& text) {
  Signature s;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t space = part.rfind(' ');
    const bool named = part.find("(void)") == std::string::npos && space != std::string::npos;
    s.types += (named ? part.substr(0, space) : part) + ",";
    s.names.push_back(named ? part.substr(space + 1, part.find(')', space) - space - 1) : "");
  }
  return s;
}

/** Only names of parameters changed, and not by trading places: no caller notices. */
bool only_renamed(const std::string& key, const std::string& before, const std::string& after) {
  if (key.rfind("function ", 0) != 0) {
    return false;
  }
  Signature a = signature(before);
  Signature b = signature(after);
  std::sort(a.names.begin(), a.names.end());
  std::sort(b.names.begin(), b.names.end());
  return a.types == b.types && a.names != b.names;
}

}  // namespace

Verdict compare(const std::string& listed_text, const std::string& current_text) {
  const Listing listed = parse(listed_text);
  const Listing current = parse(current_text);
  Verdict verdict;
  std::vector<std::string> additions;
  std::vector<std::string> renamings;
  for (const auto& [key, before] : listed.lines) {
    const auto now = current.lines.find(key);
    if (now == current.lines.end()) {
      verdict.differences.push_back("breaks callers: " + key + " is gone (" + before + ")");
    } else if (now->second != before) {
      const std::string change = key + " was \"" + before + "\", is \"" + now->second + "\"";
      if (grew_compatibly(listed, key, before, now->second)) {
        additions.push_back("longer: " + change);
      } else if (only_renamed(key, before, now->second)) {
        renamings.push_back("renamed: " + change);
      } else {
        verdict.differences.push_back("breaks callers: " + change);
      }
    }
  }
  for (const auto& [key, text] : current.lines) {
    if (listed.lines.count(key) == 0) {
      if (appended(listed, key, text)) {
        additions.push_back("new: " + key + " " + text);
      } else {
        verdict.differences.push_back("breaks callers: " + key +
                                      " is new inside a struct they have (" + text + ")");
      }
    }
  }
  verdict.breaking = !verdict.differences.empty();
  verdict.added = !additions.empty();
  verdict.differences.insert(verdict.differences.end(), additions.begin(), additions.end());
  verdict.differences.insert(verdict.differences.end(), renamings.begin(), renamings.end());

  const Version& was = listed.version;
  const Version& is = current.version;
  const std::string versions = "the list has ABI " + was.text() + ", version.h " + is.text();
  const std::string header = "native/include/medpruner/version.h";
  const std::string refresh =
      "then `cmake --build <build folder> --target abi_accept`, and commit native/tests/abi/surface.txt";
  verdict.same_version = was.major == is.major && was.minor == is.minor;
  if (is.major < was.major || (is.major == was.major && is.minor < was.minor)) {
    verdict.allowed = false;
    verdict.advice = versions + ": numbers only grow; put MEDPRUNER_ABI_MAJOR and _MINOR back";
  } else if (verdict.breaking && is.major == was.major) {
    verdict.allowed = false;
    verdict.advice = versions + ": undo the change, or raise MEDPRUNER_ABI_MAJOR in " + header +
                     ", set _MINOR to 0, " + refresh;
  } else if (verdict.added && verdict.same_version) {
    verdict.allowed = false;
    verdict.advice = versions + ": raise MEDPRUNER_ABI_MINOR in " + header + ", " + refresh;
  } else if (!verdict.differences.empty() || !verdict.same_version) {
    verdict.advice = versions + ": the list is behind the headers; " + refresh.substr(5);
  }
  return verdict;
}

}  // namespace abi
