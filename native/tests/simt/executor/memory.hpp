/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Device memory with red zones, and the checks of every access a kernel makes.

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

namespace simt {

enum class Access { kRead, kWrite, kAtomic };

/** What is known of one byte: who wrote and who read it last. Zero: never touched. */
struct Cell {
  uint32_t write_serial, read_serial;  // Launch::serial then; write 1: by the host
  uint32_t foreign_read;               // a read by another block, overwritten by a later one
  uint32_t write_place, read_place;    // as place_of() gives them
  uint16_t writer, reader;             // thread of its block
  uint16_t write_sync, read_sync;      // Thread::warp_sync then
  uint8_t read_warp;
  bool write_atomic;
  bool in_flight;                      // an asynchronous copy will write it, or mail of another block
  bool mailed;                         // so it was, last; whoever waited for mail too may read it
};

/** A piece of memory that kernels may touch. */
struct Object {
  uintptr_t begin, end;
  std::string name;
};

/** Memory [base, base + size) with a cell per byte, and what lies in it. */
struct Region {
  uintptr_t base = 0;
  size_t size = 0;
  Cell* cells = nullptr;
  bool shared = false;
  std::vector<Object> objects;  // ascending
  size_t last = 0;              // the object found last

  bool contains(uintptr_t address) const { return address - base < size; }
  const Object* find(uintptr_t address);
};

/** 256-byte aligned, undefined, between red zones; null when the arena is full. */
void* allocate(size_t bytes);
/** False for anything that allocate() did not return. */
bool release(void* pointer);
bool in_allocation(const void* pointer, size_t bytes);
void mark_written_by_host(void* pointer, size_t bytes, bool defined);
/** Whether every byte was written, by the host or a kernel. */
bool is_defined(const void* pointer, size_t bytes);
void copy_definedness(void* destination, const void* source, size_t bytes);

/**
 * One access by the running thread from a place in the code (see place_of). An address that is no
 * multiple of `alignment` is a fault, and so is shared memory of another block of the cluster than `rank`;
 * -1: than its own.
 */
void check_access(uintptr_t address, size_t size, size_t alignment, Access access, uint32_t place,
                  int rank = -1);
/** Where block `rank` of the cluster has what this block has at an address of dynamic shared memory. */
uintptr_t in_block(uintptr_t address, int rank);

/** Where shared variables lie, or dynamic shared memory; whether a variable is there is not asked. */
bool in_shared_memory(uintptr_t address);
/** What another block sent counts as written by the running thread, from now on. */
void land(uintptr_t address, size_t size, uint32_t place);
/** Between the start of an asynchronous copy and its end nobody may touch what it writes. */
void set_in_flight(uintptr_t address, size_t size, bool value);

}  // namespace simt
