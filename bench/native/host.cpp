/* SPDX-License-Identifier: Apache-2.0 */
#include "host.hpp"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <fstream>

namespace {

/** What follows "field : " in a file of such lines. */
std::string field(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (colon != std::string::npos && line.compare(0, name.size(), name) == 0) {
      const size_t begin = line.find_first_not_of(" \t", colon + 1);
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  }
  return "";
}

}  // namespace

Host Host::here() {
  Host host;
  utsname system;
  uname(&system);
  host.cpu = field("/proc/cpuinfo", "model name");
  if (host.cpu.empty()) {
    host.cpu = system.machine;
  }
  host.os = std::string(system.sysname) + " " + system.release + " " + system.machine;
  host.cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  host.memory_bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  return host;
}

std::string now() {
  const time_t seconds = time(nullptr);
  tm utc;
  gmtime_r(&seconds, &utc);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}
