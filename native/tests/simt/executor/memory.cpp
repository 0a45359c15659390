/* SPDX-License-Identifier: Apache-2.0 */
#include "executor/memory.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <map>

#include "executor/image.hpp"
#include "executor/scheduler.hpp"

namespace simt {
namespace {

constexpr size_t kArenaBytes = size_t{256} << 20;
constexpr size_t kRedZone = 512;
constexpr uint8_t kRedByte = 0xEE;
constexpr uint16_t kMany = 0xffff;
constexpr uint8_t kManyWarps = 0xff;
/** From the dynamic shared memory of a block of a cluster to the next one's. */
constexpr size_t kBlockStride = 4 * kSharedAlignment;

/** Address space only; pages cost memory when touched. */
void* reserve(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    perror("simt: mmap");
    abort();
  }
  return memory;
}

Region make_region(uintptr_t base, size_t size, bool shared) {
  Region region;
  region.base = base;
  region.size = size;
  region.shared = shared;
  region.cells = static_cast<Cell*>(reserve(size * sizeof(Cell)));
  return region;
}

struct Memory {
  Region arena = make_region(reinterpret_cast<uintptr_t>(reserve(kArenaBytes)), kArenaBytes, false);
  Region statics =
      make_region(image().data_begin, image().data_end - image().data_begin, true);
  Region dynamic =
      make_region(reinterpret_cast<uintptr_t>(reserve(kMostClusterBlocks * kBlockStride)),
                  kMostClusterBlocks * kBlockStride, true);
  size_t used = 0;

  Memory() { statics.objects = image().shared; }
};

Memory& memory() {
  static Memory all;
  return all;
}

Cell* cells_of(Region& region, uintptr_t address) {
  return region.cells + (address - region.base);
}

// ---- order between blocks: a fence before an atomic releases, an atomic on the same address acquires ---

struct Release {
  uint32_t block_first, below;  // accesses with serials [block_first, below) come before
  uint32_t own_serial;          // and those of `thread` at this serial
  uint16_t thread;
};
struct Acquired {
  Release release;
  uint16_t by;
  uint32_t at;
};
std::map<uintptr_t, std::vector<Release>> g_releases;  // of this launch, by address
std::vector<Acquired> g_acquired;                      // by this block

void synchronise_blocks(uintptr_t address) {
  const Thread& self = *g_launch.current;
  const uint16_t id = static_cast<uint16_t>(self.id);
  std::vector<Release>& released = g_releases[address];
  for (const Release& release : released) {
    const bool known = std::any_of(g_acquired.begin(), g_acquired.end(), [&](const Acquired& a) {
      return a.release.block_first == release.block_first && a.release.below >= release.below;
    });
    if (release.block_first != g_launch.block_first && !known) {
      g_acquired.push_back({release, id, g_launch.serial});
    }
  }
  // A fence counts from the barrier interval before this one on.
  if (self.fence_serial != 0 && self.fence_serial + 1 >= g_launch.serial) {
    for (const Acquired& acquired : g_acquired) {
      const bool there = std::any_of(released.begin(), released.end(), [&](const Release& r) {
        return r.block_first == acquired.release.block_first;
      });
      if (!there) {
        released.push_back(acquired.release);
      }
    }
    released.push_back({g_launch.block_first, g_launch.serial, g_launch.serial, id});
  }
}

bool ordered_before(uint32_t serial, uint16_t thread) {
  const Thread& self = *g_launch.current;
  return std::any_of(g_acquired.begin(), g_acquired.end(), [&](const Acquired& a) {
    const Release& r = a.release;
    return serial >= r.block_first &&
           (serial < r.below || (serial == r.own_serial && thread == r.thread)) &&
           (a.by == self.id || a.at < g_launch.serial);
  });
}

// ---- conflicts -----------------------------------------------------------------------------------

std::string describe(const Region& region, const Object& object, uintptr_t address) {
  return (region.shared ? "shared " : "global ") + object.name + ", byte " +
         std::to_string(address - object.begin) + " of " +
         std::to_string(object.end - object.begin);
}

const char* verb(Access access) {
  return access == Access::kRead ? "reads" : (access == Access::kWrite ? "writes" : "updates");
}

void conflict(const Region& region, const Object& object, uintptr_t address, Access access,
              uint32_t place, const char* did, uint16_t other, uint32_t other_place, bool foreign) {
  const std::string thread = other == kMany ? "several threads" : "thread " + std::to_string(other);
  fault("race: " + std::string(verb(access)) + " " + describe(region, object, address) + " at " +
        source_line(place) + ", which " + thread + (foreign ? " of another block " : " ") + did +
        " at " + source_line(other_place) +
        (foreign ? " in the same launch" : " in the same barrier interval"));
}

struct Accessor {
  uint32_t serial;
  uint16_t id, sync;
  uint8_t warp;
};

/** By a thread that this one has no order with, in the same barrier interval. */
bool unordered_here(uint32_t serial, uint16_t thread, uint8_t warp, uint16_t sync,
                    const Accessor& self) {
  const bool warp_ordered = warp == self.warp && sync < self.sync;
  return options().thread_races && serial == self.serial && thread != self.id && !warp_ordered;
}

bool unordered_elsewhere(uint32_t serial, uint16_t thread) {
  return options().block_races && serial >= g_launch.launch_first &&
         serial < g_launch.block_first && !ordered_before(serial, thread);
}

/** By another block: of the cluster, or, as far as it is not `shared`, an earlier one. */
bool unordered_with_others(bool shared, uint32_t serial, uint16_t thread) {
  return unordered_in_cluster(serial) || (!shared && unordered_elsewhere(serial, thread));
}

void check_byte(Region& region, const Object& object, uintptr_t address, Access access,
                uint32_t place, const Accessor& self) {
  Cell& cell = *cells_of(region, address);
  const bool write = access != Access::kRead;
  if (cell.in_flight) {
    fault("unfinished copy: " + std::string(verb(access)) + " " +
          describe(region, object, address) + " at " + source_line(place) +
          ", which the cp_async of thread " + std::to_string(cell.writer) + " at " +
          source_line(cell.write_place) + " may not have written yet: nothing waited for it");
  }
  if (!region.shared && !g_launch.current->awaited) {
    if (write) {
      fault("early launch: " + std::string(verb(access)) + " " + describe(region, object, address) +
            " at " + source_line(place) + " before the wait for the former launch");
    }
    if (cell.write_serial >= g_launch.running_first && cell.write_serial < g_launch.launch_first) {
      fault("early launch: reads " + describe(region, object, address) + " at " +
            source_line(place) + ", which a launch that may still be running wrote at " +
            source_line(cell.write_place) + ", before the wait for it");
    }
  }
  if (access != Access::kWrite) {
    const uint32_t oldest = region.shared ? g_launch.block_first : 1;
    if (cell.write_serial < oldest && (region.shared || options().undefined_reads)) {
      fault("uninitialised: " + std::string(verb(access)) + " " +
            describe(region, object, address) + ", which nothing has written, at " +
            source_line(place));
    }
  }
  if (!(access == Access::kAtomic && cell.write_atomic)) {
    const bool here = unordered_here(cell.write_serial, cell.writer,
                                     static_cast<uint8_t>(cell.writer / 32), cell.write_sync, self);
    if (here || unordered_with_others(region.shared, cell.write_serial, cell.writer)) {
      conflict(region, object, address, access, place, "wrote", cell.writer, cell.write_place, !here);
    }
  }
  if (write) {
    const bool here = unordered_here(cell.read_serial, cell.reader, cell.read_warp, cell.read_sync,
                                     self);
    if (here || unordered_with_others(region.shared, cell.read_serial, cell.reader) ||
        unordered_with_others(region.shared, cell.foreign_read, kMany)) {
      conflict(region, object, address, access, place, "read", cell.reader, cell.read_place, !here);
    }
    cell.write_serial = self.serial;
    cell.writer = self.id;
    cell.write_sync = self.sync;
    cell.write_atomic = access == Access::kAtomic;
    cell.write_place = place;
    return;
  }
  if (cell.read_serial == self.serial && cell.reader != self.id) {
    cell.reader = kMany;
    cell.read_warp = cell.read_warp == self.warp ? self.warp : kManyWarps;
    cell.read_sync = std::max(cell.read_sync, self.sync);
  } else {
    if (unordered_in_cluster(cell.read_serial) ||
        (cell.read_serial >= g_launch.launch_first && cell.read_serial < g_launch.block_first &&
         !ordered_before(cell.read_serial, cell.reader))) {
      cell.foreign_read = cell.read_serial;
    }
    cell.read_serial = self.serial;
    cell.reader = self.id;
    cell.read_warp = self.warp;
    cell.read_sync = self.sync;
  }
  cell.read_place = place;
}

std::string nearest(Region& region, uintptr_t address) {
  const auto after = std::upper_bound(
      region.objects.begin(), region.objects.end(), address,
      [](uintptr_t value, const Object& object) { return value < object.begin; });
  std::string text;
  if (after != region.objects.begin()) {
    const Object& before = *(after - 1);
    text = std::to_string(address - before.end) + " bytes past the end of " + before.name;
  }
  if (after != region.objects.end()) {
    text += (text.empty() ? "" : " and ") + std::to_string(after->begin - address) +
            " bytes before " + after->name;
  }
  return text.empty() ? "where nothing is" : text;
}

}  // namespace

const Object* Region::find(uintptr_t address) {
  if (last < objects.size() && address >= objects[last].begin && address < objects[last].end) {
    return &objects[last];
  }
  const auto after =
      std::upper_bound(objects.begin(), objects.end(), address,
                       [](uintptr_t value, const Object& o) { return value < o.begin; });
  if (after == objects.begin() || address >= (after - 1)->end) {
    return nullptr;
  }
  last = static_cast<size_t>(after - objects.begin()) - 1;
  return &objects[last];
}

void* allocate(size_t bytes) {
  Memory& m = memory();
  const size_t start = (m.used + kRedZone + 255) / 256 * 256;
  if (bytes > kArenaBytes || start + bytes + kRedZone > kArenaBytes) {
    return nullptr;
  }
  static int number = 0;
  const uintptr_t begin = m.arena.base + start;
  m.used = start + bytes;
  m.arena.objects.push_back({begin, begin + bytes, "allocation " + std::to_string(++number)});
  memset(reinterpret_cast<void*>(begin - kRedZone), kRedByte, kRedZone);
  memset(reinterpret_cast<void*>(begin + bytes), kRedByte, kRedZone);
  return reinterpret_cast<void*>(begin);
}

bool release(void* pointer) {
  Memory& m = memory();
  auto& objects = m.arena.objects;
  const auto found = std::find_if(objects.begin(), objects.end(), [&](const Object& object) {
    return object.begin == reinterpret_cast<uintptr_t>(pointer);
  });
  if (found == objects.end()) {
    return false;
  }
  objects.erase(found);
  if (objects.empty()) {  // freed memory is used again only now, so that late accesses show
    const size_t touched = (m.used + kRedZone + 4095) / 4096 * 4096;
    madvise(m.arena.cells, std::min(touched, kArenaBytes) * sizeof(Cell), MADV_DONTNEED);
    m.used = 0;
  }
  return true;
}

bool in_allocation(const void* pointer, size_t bytes) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(pointer);
  const Object* object = memory().arena.find(begin);
  return object != nullptr && bytes <= object->end - begin;
}

void mark_written_by_host(void* pointer, size_t bytes, bool defined) {
  Cell* cells = cells_of(memory().arena, reinterpret_cast<uintptr_t>(pointer));
  for (size_t i = 0; i < bytes; ++i) {
    cells[i] = {};
    cells[i].write_serial = defined ? 1 : 0;
  }
}

bool is_defined(const void* pointer, size_t bytes) {
  const Cell* cells = cells_of(memory().arena, reinterpret_cast<uintptr_t>(pointer));
  return std::all_of(cells, cells + bytes, [](const Cell& c) { return c.write_serial != 0; });
}

void copy_definedness(void* destination, const void* source, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    mark_written_by_host(static_cast<uint8_t*>(destination) + i, 1,
                         is_defined(static_cast<const uint8_t*>(source) + i, 1));
  }
}

bool in_shared_memory(uintptr_t address) {
  Memory& m = memory();
  return m.dynamic.contains(address) || m.statics.contains(address);
}

void set_in_flight(uintptr_t address, size_t size, bool value) {
  Memory& m = memory();
  Region& region = m.dynamic.contains(address) ? m.dynamic : m.statics;
  for (size_t i = 0; i < size; ++i) {
    cells_of(region, address + i)->in_flight = value;
  }
}

void begin_launch(size_t dynamic_shared, int cluster) {
  Memory& m = memory();
  g_releases.clear();
  m.dynamic.objects.clear();
  for (int rank = 0; rank < cluster && dynamic_shared > 0; ++rank) {
    const uintptr_t base = m.dynamic.base + static_cast<size_t>(rank) * kBlockStride;
    m.dynamic.objects.push_back(
        {base, base + dynamic_shared,
         "dynamic shared memory" +
             (cluster > 1 ? " of block " + std::to_string(rank) + " of the cluster" : "")});
  }
}

void begin_block() { g_acquired.clear(); }

void* dynamic_shared_memory() {
  return reinterpret_cast<void*>(in_block(memory().dynamic.base, g_launch.current->rank));
}

uintptr_t in_block(uintptr_t address, int rank) {
  const uintptr_t base = memory().dynamic.base;
  return base + static_cast<size_t>(rank) * kBlockStride + (address - base) % kBlockStride;
}

std::string check_red_zones() {
  for (const Object& object : memory().arena.objects) {
    for (size_t i = 0; i < kRedZone; ++i) {
      const uint8_t* before = reinterpret_cast<const uint8_t*>(object.begin) - 1 - i;
      const uint8_t* after = reinterpret_cast<const uint8_t*>(object.end) + i;
      if (*before != kRedByte || *after != kRedByte) {
        return "red zone of " + object.name + " was written, " + std::to_string(i) + " bytes " +
               (*after != kRedByte ? "after" : "before") + " it";
      }
    }
  }
  return "";
}

void check_access(uintptr_t address, size_t size, size_t alignment, Access access,
                  uint32_t place, int rank) {
  Thread* const self = g_launch.current;
  if (address - reinterpret_cast<uintptr_t>(self->stack) < kStackBytes) {
    return;
  }
  count_access();
  Memory& m = memory();
  Region* region = m.arena.contains(address)     ? &m.arena
                   : m.statics.contains(address) ? &m.statics
                   : m.dynamic.contains(address) ? &m.dynamic
                                                 : nullptr;
  if (region == nullptr) {
    if (access == Access::kRead && address >= image().begin && address + size <= image().end) {
      return;  // constants
    }
    char text[128];
    snprintf(text, sizeof text, "out of bounds: %s %zu bytes at %p, which is no device memory, at ",
             verb(access), size, reinterpret_cast<void*>(address));
    fault(text + source_line(place));
  }
  if (g_cluster.size > 1 && region->shared) {
    if (region == &m.statics) {
      fault("a static shared variable in a cluster, of which the executor has one for all blocks, at " +
            source_line(place));
    }
    const int owner = rank < 0 ? self->rank : rank;
    if ((address - region->base) / kBlockStride != static_cast<size_t>(owner)) {
      fault("out of bounds: shared memory of another block at " + source_line(place));
    }
  }
  const uint32_t preemption = options().preemption;
  if (preemption != 0 && random_below(preemption) == 0) {
    yield_thread();
  }
  const Object* object = region->find(address);
  if (object == nullptr || address + size > object->end) {
    fault("out of bounds: " + std::string(verb(access)) + " " + std::to_string(size) + " bytes " +
          (object != nullptr ? "across the end of " + object->name : nearest(*region, address)) +
          " (" + (region->shared ? "shared" : "global") + ") at " + source_line(place));
  }
  if (address % alignment != 0) {
    fault("misaligned: " + std::string(verb(access)) + " " + std::to_string(size) + " bytes in " +
          describe(*region, *object, address) + " at " + source_line(place));
  }
  const Accessor me = {g_launch.serial, static_cast<uint16_t>(self->id),
                       static_cast<uint16_t>(self->warp_sync),
                       static_cast<uint8_t>(self->warp)};
  if (access == Access::kAtomic && !region->shared) {
    synchronise_blocks(address);
  }
  if (size == 0) {
    return;
  }
  // Of bytes that are alike in all that is known of them, as those of a float mostly are, one is looked at.
  Cell* const cells = cells_of(*region, address);
  const Cell before = cells[0];
  check_byte(*region, *object, address, access, place, me);
  for (size_t i = 1; i < size; ++i) {
    if (memcmp(&cells[i], &before, sizeof before) == 0) {
      cells[i] = cells[0];
    } else {
      check_byte(*region, *object, address + i, access, place, me);
    }
  }
}

void atomic_access(void* address, size_t size, Site site) {
  const Inside inside;
  yield_thread();
  check_access(reinterpret_cast<uintptr_t>(address), size, size, Access::kAtomic, place_of(site));
}

}  // namespace simt
