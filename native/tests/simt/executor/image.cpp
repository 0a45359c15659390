/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/image.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

namespace simt {
namespace {

struct Search {
  Image image;
  std::string path;
};

/** The executable or shared library in which this function lies. */
int own_object(struct dl_phdr_info* info, size_t, void* out) {
  Search& search = *static_cast<Search*>(out);
  Image found = {};
  found.base = info->dlpi_addr;
  found.data_begin = found.begin = UINTPTR_MAX;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) {
      continue;
    }
    const uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    const uintptr_t end = begin + segment.p_memsz;
    found.begin = std::min(found.begin, begin);
    found.end = std::max(found.end, end);
    if ((segment.p_flags & PF_W) != 0) {
      found.data_begin = std::min(found.data_begin, begin);
      found.data_end = std::max(found.data_end, end);
    }
  }
  const uintptr_t here = reinterpret_cast<uintptr_t>(&own_object);
  if (here < found.begin || here >= found.end) {
    return 0;
  }
  search.image = found;
  search.path = info->dlpi_name;  // empty for the executable
  return 1;
}

std::string& own_path() {
  static std::string path;
  return path;
}

constexpr uint32_t kSitePlace = 0x80000000u;

std::vector<Site>& sites() {
  static std::vector<Site> all;
  return all;
}

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = text == nullptr ? name : text;
  free(text);
  return result;
}

/** "void medpruner::cuda::kernel<T>(arguments)::tile" -> "tile" */
std::string variable_name(const char* symbol) {
  const std::string name = demangled(symbol);
  const size_t colons = name.rfind("::");
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

bool by_address(const Object& a, const Object& b) { return a.begin < b.begin; }

void read_symbols(Image& found) {
  std::ifstream file(own_path(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.size() < sizeof(ElfW(Ehdr))) {
    return;
  }
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(bytes.data());
  const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(bytes.data() + header->e_shoff);
  for (int s = 0; s < header->e_shnum; ++s) {
    if (sections[s].sh_type != SHT_SYMTAB) {
      continue;
    }
    const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(bytes.data() + sections[s].sh_offset);
    const char* names = bytes.data() + sections[sections[s].sh_link].sh_offset;
    for (size_t i = 0; i < sections[s].sh_size / sizeof *symbols; ++i) {
      const ElfW(Sym)& symbol = symbols[i];
      const uintptr_t begin = found.base + symbol.st_value;
      if ((symbol.st_info & 0xf) == STT_FUNC && symbol.st_size > 0) {
        found.functions.push_back({begin, begin + symbol.st_size, names + symbol.st_name});
      }
      if ((symbol.st_info & 0xf) == STT_OBJECT && symbol.st_size > 0 &&
          symbol.st_value % kSharedAlignment == 0 && begin >= found.data_begin &&
          begin < found.data_end) {
        found.shared.push_back({begin, begin + symbol.st_size, variable_name(names + symbol.st_name)});
      }
    }
  }
  std::sort(found.shared.begin(), found.shared.end(), by_address);
  std::sort(found.functions.begin(), found.functions.end(), by_address);
}

/** What addr2line says of an offset into this object. */
std::string resolve(uint32_t pc) {
  char offset[32];
  // The return address is in the next instruction, perhaps of the next line.
  snprintf(offset, sizeof offset, "0x%x", pc - 1);
  const std::string command = "addr2line -e '" + own_path() + "' " + offset + " 2>/dev/null";
  char line[512] = {};
  FILE* pipe = popen(command.c_str(), "r");
  const bool found = pipe != nullptr && fgets(line, sizeof line, pipe) != nullptr;
  if (pipe != nullptr) {
    pclose(pipe);
  }
  line[strcspn(line, " \n")] = '\0';
  const char* slash = strrchr(line, '/');
  if (found && slash != nullptr && line[0] != '?') {
    return slash + 1;
  }
  snprintf(line, sizeof line, "executable+0x%x", pc);
  return line;
}

}  // namespace

const Image& image() {
  static const Image found = [] {
    Search search = {};
    dl_iterate_phdr(own_object, &search);
    char path[4096] = {};
    if (search.path.empty() && readlink("/proc/self/exe", path, sizeof path - 1) > 0) {
      search.path = path;
    }
    own_path() = search.path;
    read_symbols(search.image);
    return search.image;
  }();
  return found;
}

std::string function_name(const void* address) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  const auto& all = image().functions;
  const auto found = std::lower_bound(
      all.begin(), all.end(), at,
      [](const Object& object, uintptr_t value) { return object.begin < value; });
  if (found == all.end() || found->begin != at) {
    return "?";
  }
  std::string name = demangled(found->name.c_str());
  const std::string unnamed = "(anonymous namespace)::";
  for (size_t i = name.find(unnamed); i != std::string::npos; i = name.find(unnamed)) {
    name.erase(i, unnamed.size());
  }
  name = name.substr(0, name.find('('));
  const size_t start = name.rfind(' ', name.find('<'));
  name = start == std::string::npos ? name : name.substr(start + 1);
  const std::string own = "medpruner::cuda::";
  return name.compare(0, own.size(), own) == 0 ? name.substr(own.size()) : name;
}

uint32_t place_of(uintptr_t pc) { return static_cast<uint32_t>(pc - image().base); }

uint32_t place_of(Site site) {
  std::vector<Site>& all = sites();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].file == site.file && all[i].line == site.line) {
      return kSitePlace | static_cast<uint32_t>(i);
    }
  }
  all.push_back(site);
  return kSitePlace | static_cast<uint32_t>(all.size() - 1);
}

std::string source_line(uint32_t place) {
  if ((place & kSitePlace) != 0) {
    const Site site = sites()[place & ~kSitePlace];
    const char* folder = strrchr(site.file, '/');
    return std::string(folder == nullptr ? site.file : folder + 1) + ":" +
           std::to_string(site.line);
  }
  static std::map<uint32_t, std::string> known;  // a run of addr2line takes milliseconds
  std::string& text = known[place];
  if (text.empty()) {
    text = resolve(place);
  }
  return text;
}

}  // namespace simt
