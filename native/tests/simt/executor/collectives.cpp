/* SPDX-License-Identifier: Apache-2.0 */
// Where the lanes of a warp meet: shuffles, votes, reductions, __syncwarp.

#include "executor/scheduler.hpp"

namespace simt {
namespace {

bool is_shuffle(Collective operation) { return operation <= Collective::kShuffleXor; }

/** The lane a shuffle reads; -1 when it keeps its own value. */
int source_lane(const Thread& thread) {
  const int width = thread.width;
  const int first = thread.lane / width * width;
  switch (thread.operation) {
    case Collective::kShuffle:
      return first + (thread.argument & (width - 1));
    case Collective::kShuffleUp:
      return thread.lane - thread.argument >= first ? thread.lane - thread.argument : -1;
    case Collective::kShuffleDown:
      return thread.lane + thread.argument < first + width ? thread.lane + thread.argument : -1;
    default: {
      // Reading an earlier group of `width` lanes is allowed, a later one is not.
      const int source = thread.lane ^ thread.argument;
      return source < first + width ? source : -1;
    }
  }
}

uint64_t fold(Collective operation, uint64_t a, uint64_t b) {
  switch (operation) {
    case Collective::kReduceAdd:
      return a + b;
    case Collective::kReduceMin:  // the stand-in extends signed values by sign
      return static_cast<int64_t>(a) < static_cast<int64_t>(b) ? a : b;
    case Collective::kReduceMax:
      return static_cast<int64_t>(a) > static_cast<int64_t>(b) ? a : b;
    case Collective::kReduceAnd:
      return a & b;
    case Collective::kReduceOr:
      return a | b;
    default:
      return a ^ b;
  }
}

/** That these lanes, which wait, do so for what this one does. */
void check_meets(const Thread& self, unsigned waiting) {
  for (; waiting != 0; waiting &= waiting - 1) {
    const Thread& other = threads_of(self.rank)[self.warp * kWarp + __builtin_ctz(waiting)];
    if (other.operation != self.operation || other.mask != self.mask) {
      fault("lanes of one warp meet in different collectives or masks: " + waiting_at(self) + ", " +
            waiting_at(other));
    }
  }
}

/** All lanes of the mask are there: their results, and they go on. */
void finish_collective(const Thread& last, unsigned mask) {
  Thread* const lanes = threads_of(last.rank) + last.warp * kWarp;
  Warp& warp = warp_of(last);
  warp.waiting &= ~mask;
  const Collective operation = lanes[__builtin_ctz(mask)].operation;
  if (is_matrix(operation)) {
    finish_matrix(lanes);
    for (int l = 0; l < kWarp; ++l) {
      make_ready(lanes[l]);
    }
    return;
  }
  unsigned ballot = 0;
  bool first = true;
  bool same = true;
  uint64_t folded = 0;
  for (int l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1u) == 0) {
      continue;
    }
    ballot |= lanes[l].value != 0 ? 1u << l : 0u;
    same = same && (first || lanes[l].value == lanes[__builtin_ctz(mask)].value);
    folded = first ? lanes[l].value : fold(operation, folded, lanes[l].value);
    first = false;
  }
  if (operation == Collective::kSyncWarp) {
    ++warp.syncs;
  }
  for (int l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1u) == 0) {
      continue;
    }
    Thread& lane = lanes[l];
    if (is_shuffle(operation)) {
      const int source = source_lane(lane);
      if (source >= 0 && (mask >> source & 1u) == 0) {
        fault("shuffle reads lane " + std::to_string(source) + ", which is not in its mask: " +
              waiting_at(lane));
        return;
      }
      lane.result = source < 0 ? lane.value : lanes[source].value;
      continue;
    }
    switch (operation) {
      case Collective::kBallot:
        lane.result = ballot;
        break;
      case Collective::kAny:
        lane.result = ballot != 0 ? 1 : 0;
        break;
      case Collective::kAll:
        lane.result = ballot == mask ? 1 : 0;
        break;
      case Collective::kMatchAll:
        lane.result = same ? mask : 0;
        break;
      case Collective::kMatchAny:
        lane.result = 0;
        for (int other = 0; other < kWarp; ++other) {
          if ((mask >> other & 1u) != 0 && lanes[other].value == lane.value) {
            lane.result |= 1u << other;
          }
        }
        break;
      case Collective::kSyncWarp:
        lane.warp_sync = warp.syncs;
        break;
      default:
        lane.result = folded;
    }
  }
  for (int l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1u) != 0) {
      make_ready(lanes[l]);
    }
  }
}

}  // namespace

uint64_t warp_collective(Collective operation, unsigned mask, uint64_t value, int argument,
                         int width, Site site) {
  const Inside inside;
  Thread& self = *g_launch.current;
  self.state = State::kCollective;
  self.operation = operation;
  self.mask = mask;
  self.value = value;
  self.argument = argument;
  self.width = width;
  self.site = site;
  if ((mask >> self.lane & 1u) == 0) {
    fault("lane " + std::to_string(self.lane) + " is not in its own mask: " + waiting_at(self));
  }
  if (width <= 0 || width > kWarp || (width & (width - 1)) != 0) {
    fault("width is no power of two up to 32: " + waiting_at(self));
  }
  Warp& warp = warp_of(self);
  if ((warp.exited & mask) != 0) {
    fault("lane " + std::to_string(__builtin_ctz(warp.exited & mask)) + " of the mask has exited: " +
          waiting_at(self));
  }
  if (warp.waiting == 0) {
    warp.alike = true;
    warp.operation = operation;
    warp.mask = mask;
  } else if (!warp.alike || warp.operation != operation || warp.mask != mask) {
    warp.alike = false;
    check_meets(self, warp.waiting & mask);
  }
  warp.waiting |= 1u << self.lane;
  const bool complete = (mask & ~warp.waiting) == 0;
  if (complete) {
    finish_collective(self, mask);
  }
  to_scheduler();
  return self.result;
}

unsigned active_lanes() {
  const Inside inside;
  return ~warp_of(*g_launch.current).exited;
}

}  // namespace simt
