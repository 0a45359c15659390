/* SPDX-License-Identifier: Apache-2.0 */
// medpruner_bench: every op on the CPU and, where there is a device, on CUDA; see bench/README.md.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fstream>

#include "bars.hpp"
#include "cuda_clock.hpp"
#include "host.hpp"
#include "json.hpp"
#include "measure.hpp"

namespace {

#include "commit.inc"

constexpr char kUsage[] =
    "usage: medpruner_bench [options]\n"
    "  --threads N      threads of the CPU rows (default: as the library has them)\n"
    "  --runs N         most runs of one figure (default 50)\n"
    "  --budget S       seconds for one figure, at least 5 runs (default 2)\n"
    "  --only TEXT      only rows whose \"op case\" contains it\n"
    "  --cpu | --cuda   only these rows; --cuda fails without a device\n"
    "  --require-cuda   all rows; fails without a device\n"
    "  --output FILE    writes the results as JSON (bench/results.schema.json)\n"
    "exit status: 0 all checks passed, 1 one failed and its figure was not taken, 2 wrong call or no device\n";

struct Options {
  int32_t threads = 0;
  int runs = 50;
  double budget = 2;
  std::string only, output, command;
  bool cpu = true, cuda = true, require_cuda = false, damage = false;
};

[[noreturn]] void wrong_call(const std::string& problem) {
  fprintf(stderr, "medpruner_bench: %s\n%s", problem.c_str(), kUsage);
  exit(2);
}

double number(const char* option, const char* text, double low, double high) {
  char* end = nullptr;
  const double value = strtod(text, &end);
  if (*text == 0 || *end != 0 || !(value >= low && value <= high)) {
    wrong_call(std::string(option) + " is \"" + text + "\", expected a number from " +
               std::to_string(static_cast<long>(low)) + " to " +
               std::to_string(static_cast<long>(high)));
  }
  return value;
}

Options parse(int count, char** arguments) {
  Options options;
  options.command = "medpruner_bench";
  for (int i = 1; i < count; ++i) {
    const char* const slash = strrchr(arguments[i], '/');  // where files lie is the machine's own affair
    options.command += std::string(" ") + (slash == nullptr ? arguments[i] : slash + 1);
  }
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    const auto value = [&] {
      if (i + 1 == count) {
        wrong_call(name + " needs a value");
      }
      return arguments[++i];
    };
    if (name == "--threads") {
      options.threads = static_cast<int32_t>(number("--threads", value(), 1, 256));
    } else if (name == "--runs") {
      options.runs = static_cast<int>(number("--runs", value(), 5, 100000));
    } else if (name == "--budget") {
      options.budget = number("--budget", value(), 0, 3600);
    } else if (name == "--only") {
      options.only = value();
    } else if (name == "--output") {
      options.output = value();
    } else if (name == "--cpu") {
      options.cuda = false;
    } else if (name == "--cuda") {
      options.cpu = false;
      options.require_cuda = true;
    } else if (name == "--require-cuda") {
      options.require_cuda = true;
    } else if (name == "--damage") {  // for the test of the checks alone, so not in the help
      options.damage = true;
    } else if (name == "--help") {
      printf("%s", kUsage);
      exit(0);
    } else {
      wrong_call("unknown option " + name);
    }
  }
  return options;
}

std::string show(double seconds) {
  const double unit = seconds >= 1 ? 1 : seconds >= 1e-3 ? 1e-3 : 1e-6;
  char text[32];
  snprintf(text, sizeof text, "%.3g %s", seconds / unit,
           unit == 1 ? "s" : unit == 1e-3 ? "ms" : "us");
  return text;
}

void write_seconds(Json& json, const char* key, const Seconds& s) {
  json.open('{', key)
      .value("median", s.median)
      .value("min", s.min)
      .value("max", s.max)
      .value("runs", s.runs)
      .close();
}

void write_bars(Json& json, const Results& results, const Row& row) {
  json.open('[', "bars");
  for (const Bar& bar : kBars) {
    if (row.backend != bar.backend || row.op != bar.op || row.name != bar.name) {
      continue;
    }
    const std::string metric = bar.metric;
    const double figure = metric == "seconds"           ? row.seconds.median
                          : metric == "workspace_bytes" ? static_cast<double>(*row.workspace_bytes)
                                                        : results.percent(row).value();
    json.open('{')
        .value("id", bar.id)
        .value("text", bar.text)
        .value("metric", bar.metric)
        .null("over")
        .value("limit", bar.limit)
        .value("figure", figure)
        .value("met", bar.at_least ? figure >= bar.limit : figure <= bar.limit)
        .close();
  }
  json.close();
}

void write_row(Json& json, const Results& results, const Row& row) {
  json.open('{')
      .value("op", row.op)
      .value("case", row.name)
      .value("shape", row.shape)
      .value("dtype", row.dtype)
      .value("backend", row.backend)
      .value("bytes", row.bytes)
      .value("flops", row.flops);
  write_seconds(json, "seconds", row.seconds);
  if (const std::optional<double> share = results.percent(row)) {
    json.open('{', "ceiling").value("name", row.ceiling).value("percent", *share).close();
  } else {
    json.null("ceiling");
  }
  if (row.workspace_bytes) {
    json.open('{', "memory")
        .value("workspace_bytes", *row.workspace_bytes)
        .null("peak_bytes")
        .close();
  } else {
    json.null("memory");
  }
  json.open('[', "baselines").close();
  write_bars(json, results, row);
  json.value("check", row.check).close();
}

void write_machine(Json& json, int32_t threads) {
  const Host host = Host::here();
  medpruner_build_info build = {};
  build.struct_size = sizeof build;
  must(medpruner_get_build_info(&build));
  json.open('{', "machine")
      .value("cpu", host.cpu)
      .value("cores", host.cores)
      .value("isa", medpruner_cpu_isa())
      .value("threads", static_cast<int64_t>(threads))
      .value("memory_bytes", host.memory_bytes)
      .value("os", host.os)
      .value("compiler", std::string(build.compiler) + ", " + build.build_type)
      .null("jdk")
      .null("torch")
      .close();
}

void write_gpu(Json& json) {
  medpruner_cuda_device_info info = {};
  info.struct_size = sizeof info;
  must(medpruner_cuda_device_get(0, &info));
  json.open('{', "gpu")
      .value("name", info.name)
      .value("compute", std::to_string(info.compute_major) + "." + std::to_string(info.compute_minor))
      .value("multiprocessors", info.multiprocessors)
      .value("memory_bytes", info.total_memory_bytes);
  const std::string driver = cuda_clock::driver();
  driver.empty() ? json.null("driver") : json.value("driver", driver);
  const auto version = [](int32_t v) {
    return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10);
  };
  json.value("cuda", "runtime " + version(info.runtime_version) + ", driver for " +
                         version(info.driver_version))
      .close();
}

std::string to_json(const Options& options, const Results& results, int32_t threads, bool gpu) {
  Json json;
  json.open('{')
      .value("format", "medpruner-bench/1")
      .value("program", "medpruner_bench")
      .value("created", now())
      .value("command", options.command)
      .open('{', "commit")
      .value("id", kCommit)
      .value("dirty", kDirty)
      .close();
  write_machine(json, threads);
  if (gpu) {
    write_gpu(json);
  } else {
    json.null("gpu");
  }
  json.open('[', "ceilings");
  for (const Ceiling& c : results.ceilings) {
    json.open('{')
        .value("name", c.name)
        .value("backend", c.backend)
        .value("value", c.value)
        .value("unit", c.unit);
    write_seconds(json, "seconds", c.seconds);
    json.value("how", c.how).close();
  }
  json.close().open('[', "rows");
  for (const Row& row : results.rows) {
    write_row(json, results, row);
  }
  json.close().close();
  return json.text() + "\n";
}

void print_ceiling(const Ceiling& c) {
  printf("ceiling  %-5s %-10s %.4g %s (%s)\n", c.backend.c_str(), c.name.c_str(), c.value,
         c.unit.c_str(), c.how.c_str());
}

void print_row(const Results& results, const Row& row) {
  char of[48] = "";
  if (const std::optional<double> share = results.percent(row)) {
    snprintf(of, sizeof of, "%.0f %% of %s", *share, row.ceiling.c_str());
  }
  printf("%-5s %-30s %-36s %10s %10s  %s\n", row.backend.c_str(), row.op.c_str(), row.name.c_str(),
         show(row.seconds.median).c_str(), show(row.seconds.min).c_str(), of);
  fflush(stdout);
}

/** Runs every case of a backend; a failed check costs its own figures alone. How many failed. */
int measure(const Backend& backend, const Options& options, Results& results) {
  int failed = 0;
  std::string asked;  // each case asks first, so this is the one that runs
  const Wanted wanted = [&](const std::string& op, const std::string& name) {
    asked = op + " " + name;
    return asked.find(options.only) != std::string::npos;
  };
  results.failed = [&](const std::string& what) {
    fprintf(stderr, "medpruner_bench: %s %s: CHECK FAILED, no figure taken: %s\n", backend.name(),
            asked.c_str(), what.c_str());
    ++failed;
  };
  const size_t known = results.ceilings.size();
  measure_ceilings(backend, results);
  for (size_t i = known; i < results.ceilings.size(); ++i) {
    print_ceiling(results.ceilings[i]);
  }
  fflush(stdout);
  for (const auto& body : {measure_slice_anchor, measure_attention_mass, measure_nucleus_select,
                           measure_merge_and_gather, measure_prune, measure_stage2}) {
    body(backend, wanted, results);
  }
  results.failed = nullptr;
  return failed;
}

int run(const Options& options) {
  if (options.threads != 0) {
    must(medpruner_set_cpu_threads(options.threads));
  }
  const int32_t threads = medpruner_cpu_threads();
  int32_t devices = 0;
  char reason[256] = "";
  must(medpruner_cuda_device_count(&devices, reason, sizeof reason));
  if (options.cuda && devices == 0) {
    fprintf(options.require_cuda ? stderr : stdout, "%s%s\n",
            strncmp(reason, "no CUDA device", 14) == 0 ? "" : "no CUDA device: ", reason);
    if (options.require_cuda) {
      return 2;
    }
  }
  Results results;
  results.seen = [&](const Row& row) { print_row(results, row); };
  printf("%-5s %-30s %-36s %10s %10s  %s\n", "", "op", "case", "median", "min", "of ceiling");
  int failed = 0;
  if (options.cpu) {
    Backend cpu(kCpu, threads, options.runs, options.budget);
    cpu.damage = options.damage;
    failed += measure(cpu, options, results);
  }
  const bool gpu = options.cuda && devices > 0;
  if (gpu) {
    Backend cuda(kGpu, threads, options.runs, options.budget);
    cuda.damage = options.damage;
    failed += measure(cuda, options, results);
  }
  if (!options.output.empty()) {
    std::ofstream out(options.output);
    out << to_json(options, results, threads, gpu);
    if (!out.flush()) {
      fprintf(stderr, "medpruner_bench: --output: %s cannot be written\n", options.output.c_str());
      return 2;
    }
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = parse(count, arguments);
  try {
    return run(options);
  } catch (const std::exception& failure) {
    fprintf(stderr, "medpruner_bench: %s\n", failure.what());
    return 1;
  }
}
