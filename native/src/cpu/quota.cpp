/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/quota.hpp"

#include <stdint.h>
#include <stdio.h>

#include <algorithm>
#include <string>
#include <vector>

namespace medpruner::cpu {
namespace {

using Fields = std::vector<std::string>;

constexpr int64_t kNone = INT64_MAX;

Fields split(const std::string& text, char separator) {
  Fields fields(1);
  for (const char c : text) {
    if (c == separator) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

bool contains(const Fields& fields, const char* field) {
  return std::find(fields.begin(), fields.end(), field) != fields.end();
}

/** One empty line of a file that cannot be read. */
Fields lines_of(const std::string& path) {
  std::string text;
  FILE* const file = fopen(path.c_str(), "re");
  if (file != nullptr) {
    char part[1024];
    for (size_t count = 0; (count = fread(part, 1, sizeof part, file)) > 0;) {
      text.append(part, count);
    }
    fclose(file);
  }
  return split(text, '\n');
}

long long number_in(const std::string& path) {
  long long value = -1;
  return sscanf(lines_of(path).front().c_str(), "%lld", &value) == 1 ? value : -1;
}

/** A mounted hierarchy in which processor time can be limited. */
struct Hierarchy {
  bool unified = false;  // version 2
  std::string top;       // the group that is mounted
  std::string folder;    // where

  /** Of a line of /proc/self/mountinfo; false for a mount of another kind. */
  bool parse(const std::string& line) {
    const Fields fields = split(line, ' ');
    if (fields.size() < 10) {
      return false;
    }
    // Behind six fields and any number of optional ones.
    const auto dash = std::find(fields.begin() + 6, fields.end(), "-");
    if (fields.end() - dash < 4) {
      return false;
    }
    top = fields[3];
    folder = fields[4];
    unified = dash[1] == "cgroup2";
    return unified || (dash[1] == "cgroup" && contains(split(dash[3], ','), "cpu"));
  }

  /** Where a group's files lie below `folder`: "", or a path that begins with a slash. */
  std::string below(const std::string& group) const {
    if (group == top || group == "/" || group.find("/..") != std::string::npos) {
      return "";  // "..": above what this process may see
    }
    if (top == "/") {
      return group;
    }
    return group.compare(0, top.size() + 1, top + "/") == 0 ? group.substr(top.size()) : "";
  }
};

/** The process's group, by the lines of /proc/self/cgroup; "" where it has none of that kind. */
std::string group_in(const Fields& lines, bool unified) {
  for (const std::string& line : lines) {
    const Fields fields = split(line, ':');
    if (fields.size() >= 3 && (unified ? fields[0] == "0" && fields[1].empty()
                                       : contains(split(fields[1], ','), "cpu"))) {
      return line.substr(fields[0].size() + fields[1].size() + 2);
    }
  }
  return "";
}

/** What one group allows by itself. */
int64_t processors_of(const std::string& folder, bool unified) {
  long long quota = -1;
  long long period = -1;
  if (unified) {  // "max 100000" has no quota
    if (sscanf(lines_of(folder + "/cpu.max").front().c_str(), "%lld %lld", &quota, &period) != 2) {
      return kNone;
    }
  } else {
    quota = number_in(folder + "/cpu.cfs_quota_us");
    period = number_in(folder + "/cpu.cfs_period_us");
  }
  return quota <= 0 || period <= 0 ? kNone : (quota - 1) / period + 1;
}

int64_t least_quota(const std::string& root) {
  const Fields groups = lines_of(root + "/proc/self/cgroup");
  int64_t least = kNone;
  for (const std::string& line : lines_of(root + "/proc/self/mountinfo")) {
    Hierarchy hierarchy;
    if (!hierarchy.parse(line)) {
      continue;
    }
    const std::string group = group_in(groups, hierarchy.unified);
    if (group.empty()) {
      continue;
    }
    // A group has no more than any of those it is part of.
    std::string below = hierarchy.below(group);
    for (;;) {
      least = std::min(least, processors_of(root + hierarchy.folder + below, hierarchy.unified));
      if (below.empty()) {
        break;
      }
      below.resize(below.rfind('/'));
    }
  }
  return least;
}

}  // namespace

int quota_processors(const char* root) noexcept {
  try {
    const int64_t least = least_quota(root);
    return least == kNone ? 0 : static_cast<int>(std::min<int64_t>(least, INT32_MAX));
  } catch (...) {  // no memory for a few lines
    return 0;
  }
}

}  // namespace medpruner::cpu
