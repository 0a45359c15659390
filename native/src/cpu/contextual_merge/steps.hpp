/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// K4 on the CPU in its steps, which prune runs too. Each spreads over the pool by itself.

#include <stdint.h>

#include "common/op_args.hpp"
#include "cpu/pool.hpp"
#include "cpu/segments.hpp"

namespace medpruner::cpu {

/** body(g) for every segment; a task is as many of them as have some 8192 rows. */
template <class Body>
void for_each_segment(const ContextualMergeArgs& args, const Body& body) {
  if (args.segments == 0) {
    return;
  }
  const int64_t average = args.rows / args.segments + 1;
  const int64_t width = average < 8192 ? 8192 / average : 1;
  const int64_t tasks = (args.segments - 1) / width + 1;
  parallel_for(tasks, threads(), [&](int64_t task, int) {
    const int64_t end = (task + 1) * width < args.segments ? (task + 1) * width : args.segments;
    for (int64_t g = task * width; g < end; ++g) {
      body(g);
    }
  });
}

class MergeSteps {
 public:
  /** Takes its areas from the layout; with a null base it only measures. */
  MergeSteps(const ContextualMergeArgs& args, WorkspaceLayout& layout);

  bool overflow() const { return overflow_; }

  /** Writes role, assignment and flags, and chains up what each target gets. */
  void assign() const;

  /** Lists the nucleus and target rows in [begin, end), ascending; returns how many. */
  int64_t list_kept(int64_t begin, int64_t end, int64_t* list) const;

  /** Writes a row of the features, with what was merged into it, to out, which may be that row. */
  void write_row(int64_t row, void* out) const { (this->*write_)(row, out); }

  /** Whether anything was merged into the row. */
  bool gained(int64_t row) const;

 private:
  void list(int64_t g) const;
  void nearest(int64_t begin, int64_t end) const;
  void nearest_in_segment(int64_t g, const int64_t* rows, int count) const;
  void chain(int64_t g) const;
  template <class T>
  void write(int64_t row, void* out) const;
  template <class T>
  void write_merged(int64_t row, T* out) const;

  const ContextualMergeArgs& args_;
  // For the dtype of the features; chosen here, since nothing may be refused on a thread of the pool.
  void (MergeSteps::*write_)(int64_t row, void* out) const = nullptr;
  int64_t* first_tile_;  // [segments + 1]: tile where a segment's targets begin
  int64_t* targets_;     // [tiles * kLanes]: rows of the targets, -1 in unused lanes
  float* inverse_;       // [tiles * kLanes]: their inverse key norms
  float* tiles_;         // [tiles][dim][kLanes]: their keys
  int64_t* next_;        // [rows]: next member of the same target, ascending; a target's is the first
  bool overflow_;
};

}  // namespace medpruner::cpu
