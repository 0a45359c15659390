/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// How much processor time the control groups of the process allow. sched_getaffinity() does not tell: a container
// that is given two processors of 64 by a quota may run on all of them, and is stopped when two are used up.

namespace medpruner::cpu {

/**
 * The processors that the quotas of the process's control groups, version 1 or 2, are worth, rounded up, as the JVM
 * counts them; 0 where there is no quota or it cannot be read. `root`: in front of all paths, "" but in tests.
 */
int quota_processors(const char* root) noexcept;

}  // namespace medpruner::cpu
