/* SPDX-License-Identifier: Apache-2.0 */
// The quota of processor time, from files as Linux shows them under /proc and /sys, in a folder of their own.

#include "cpu/quota.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "harness.hpp"

namespace {

using medpruner::cpu::quota_processors;

class Root {
 public:
  Root() {
    std::string path = (std::filesystem::temp_directory_path() / "medpruner_quota_XXXXXX").string();
    CHECK(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  ~Root() { std::filesystem::remove_all(path_); }

  Root& file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = path_ + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return *this;
  }
  int processors() const { return quota_processors(path_.c_str()); }

 private:
  std::string path_;
};

const std::string kOthers =
    "22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw\n"
    "23 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw\n";

/** Version 2 at /sys/fs/cgroup, of which `top` is mounted. */
std::string unified(const std::string& top) {
  return kOthers + "29 22 0:26 " + top + " /sys/fs/cgroup rw,nosuid,nodev shared:4 master:9 - cgroup2 cgroup2 rw,nsdelegate\n";
}

/** Version 1, with the controllers in folders of their own. */
std::string separate(const std::string& top) {
  return kOthers + "30 22 0:27 " + top + " /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n" + "31 22 0:28 " +
         top + " /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:11 - cgroup cgroup rw,cpu,cpuacct\n";
}

TEST(no_control_groups) {
  CHECK_EQUAL(Root().processors(), 0);
  CHECK_EQUAL(Root().file("/proc/self/mountinfo", kOthers).file("/proc/self/cgroup", "").processors(), 0);
  CHECK_EQUAL(Root().file("/proc/self/mountinfo", unified("/")).processors(), 0);
}

TEST(a_container_of_version_2) {
  const auto container = [](const std::string& max) {
    return Root()
        .file("/proc/self/mountinfo", unified("/"))
        .file("/proc/self/cgroup", "0::/\n")
        .file("/sys/fs/cgroup/cpu.max", max)
        .processors();
  };
  CHECK_EQUAL(container("200000 100000\n"), 2);
  CHECK_EQUAL(container("150000 100000\n"), 2);  // as many threads as can have some
  CHECK_EQUAL(container("50000 100000\n"), 1);
  CHECK_EQUAL(container("200001 100000\n"), 3);
  CHECK_EQUAL(container("max 100000\n"), 0);
  for (const char* nonsense : {"", "\n", "x y\n", "200000\n", "-1 100000\n", "200000 0\n", "0 100000\n"}) {
    CHECK_EQUAL(container(nonsense), 0);
  }
  CHECK_EQUAL(container("9223372036854775806 1\n"), 2147483647);
}

TEST(the_least_quota_of_all_groups_around) {
  Root root;
  root.file("/proc/self/mountinfo", unified("/"))
      .file("/proc/self/cgroup", "12:pids:/else\n0::/system.slice/a.slice/b.scope\n")
      .file("/sys/fs/cgroup/system.slice/a.slice/b.scope/cpu.max", "800000 100000\n")
      .file("/sys/fs/cgroup/system.slice/c.scope/cpu.max", "100000 100000\n");
  CHECK_EQUAL(root.processors(), 8);
  root.file("/sys/fs/cgroup/system.slice/cpu.max", "300000 100000\n");
  CHECK_EQUAL(root.processors(), 3);
  root.file("/sys/fs/cgroup/system.slice/a.slice/b.scope/cpu.max", "max 100000\n");
  CHECK_EQUAL(root.processors(), 3);
}

TEST(a_container_of_version_1) {
  const auto container = [](const std::string& group, const std::string& top, const std::string& quota) {
    return Root()
        .file("/proc/self/mountinfo", separate(top))
        .file("/proc/self/cgroup", "5:memory:/else\n4:cpu,cpuacct:" + group + "\n1:name=systemd:/x\n")
        .file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", quota)
        .file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
        .file("/sys/fs/cgroup/memory/cpu.cfs_quota_us", "100000\n")
        .file("/sys/fs/cgroup/memory/cpu.cfs_period_us", "100000\n")
        .processors();
  };
  CHECK_EQUAL(container("/docker/1f", "/docker/1f", "250000\n"), 3);
  CHECK_EQUAL(container("/docker/1f", "/docker/1f", "-1\n"), 0);
  CHECK_EQUAL(container("/", "/", "400000\n"), 4);
  CHECK_EQUAL(container("/docker/1f", "/", "400000\n"), 4);         // by the group around
  CHECK_EQUAL(container("/docker/1f", "/kubepods", "400000\n"), 4);  // seen from another place
  CHECK_EQUAL(container("/../1f", "/", "400000\n"), 4);
}

TEST(a_group_below_the_mounted_one) {
  Root root;
  root.file("/proc/self/mountinfo", separate("/docker/1f"))
      .file("/proc/self/cgroup", "4:cpu,cpuacct:/docker/1f/own\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/own/cpu.cfs_quota_us", "100000\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/own/cpu.cfs_period_us", "100000\n");
  CHECK_EQUAL(root.processors(), 1);
}

/** Whatever this machine says. */
TEST(this_process) { CHECK(quota_processors("") >= 0); }

}  // namespace

int main() { return harness::run_tests(); }
