#include "core/device.h"

#include "core/error.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sched.h>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

namespace zsr {
namespace {

std::optional<double> read_number(const std::string& path) {
  std::ifstream file(path);
  double value = 0.0;
  if (file >> value) return value;
  return std::nullopt;
}

// cgroup v2 says "max 100000" or "200000 100000" in cpu.max; v1 has two files.
std::optional<double> cgroup_cpu_quota() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  double quota = 0.0;
  double period = 0.0;
  if (v2 >> quota >> period && period > 0.0) return quota / period;
  const auto v1_quota = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const auto v1_period = read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1_quota && v1_period && *v1_quota > 0.0 && *v1_period > 0.0) return *v1_quota / *v1_period;
  return std::nullopt;
}

// The tightest limit from this process' own group (a job of Slurm, a container) up to the root.
std::optional<double> cgroup_memory_left() {
  std::string group = "/";
  std::ifstream own("/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {
    if (line.rfind("0::", 0) == 0) group = line.substr(3);
  }
  std::optional<double> left;
  const auto look = [&](const std::string& folder) {
    const auto limit = read_number(folder + "/memory.max");
    const auto used = read_number(folder + "/memory.current");
    if (limit && used) left = std::min(left.value_or(*limit), std::max(0.0, *limit - *used));
  };
  for (std::filesystem::path path = group; path.has_relative_path(); path = path.parent_path()) {
    look("/sys/fs/cgroup" + path.string());
  }
  look("/sys/fs/cgroup");
  return left;
}

// What `ulimit` leaves of the address space (-v) and of the memory for data (-d).
std::optional<double> ulimit_left() {
  std::ifstream statm("/proc/self/statm");
  double pages[6] = {};  // size, resident, shared, text, library, data
  for (double& value : pages) statm >> value;
  if (!statm) return std::nullopt;
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  std::optional<double> left;
  const auto look = [&](int resource, double used) {
    rlimit limit{};
    if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    const double rest = std::max(0.0, static_cast<double>(limit.rlim_cur) - used * page);
    left = std::min(left.value_or(rest), rest);
  };
  look(RLIMIT_AS, pages[0]);
  look(RLIMIT_DATA, pages[5]);
  return left;
}

}  // namespace

torch::Device resolve_device(const std::string& request) {
  if (request == "cpu") return torch::kCPU;
  const bool has_cuda = torch::cuda::is_available();
  if (request == "auto") return has_cuda ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  int64_t index = -1;
  if (request == "cuda") index = 0;
  if (request.rfind("cuda:", 0) == 0 && request.size() > 5 && request.size() <= 8 &&
      request.find_first_not_of("0123456789", 5) == std::string::npos) {
    index = std::stoll(request.substr(5));
  }
  if (index < 0) {
    throw OptionError(fmt::format("device = '{}', must be auto, cpu, cuda or cuda:N", request));
  }
  const auto count = has_cuda ? static_cast<int64_t>(torch::cuda::device_count()) : 0;
  if (index >= count) {
    throw OptionError(
        fmt::format("device = '{}', but this LibTorch sees {} CUDA device(s); use --device cpu", request, count));
  }
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

int64_t available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int64_t cores = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  if (const auto quota = cgroup_cpu_quota()) cores = std::min(cores, static_cast<int64_t>(std::ceil(*quota)));
  return std::max<int64_t>(1, cores);
}

int64_t available_memory() {
  double bytes = 1e9;
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    if (line.rfind("MemAvailable:", 0) == 0) bytes = std::stod(line.substr(13)) * 1024.0;
  }
  if (const auto left = cgroup_memory_left()) bytes = std::min(bytes, *left);
  if (const auto left = ulimit_left()) bytes = std::min(bytes, *left);
  return static_cast<int64_t>(bytes);
}

int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

int64_t set_thread_count(int64_t threads) {
  if (threads < 0) throw OptionError(fmt::format("threads = {}, must be >= 0 (0 = all cores)", threads));
  if (threads == 0) threads = available_cores();
  at::set_num_threads(static_cast<int>(threads));
  // OpenCV brings its own pool (TBB); what zsr asks of it is small, and two pools fight over the cores.
  cv::setNumThreads(1);
  return threads;
}

std::string library_version() {
  return ZSR_VERSION;
}

std::string describe_libraries(const std::string& photo_library) {
#if defined(__x86_64__)
  const char* const vectors = __builtin_cpu_supports("avx512f") != 0 ? "avx512"
                              : __builtin_cpu_supports("avx2") != 0  ? "avx2"
                                                                     : "sse2";
#else
  const char* const vectors = "portable";
#endif
  return fmt::format("LibTorch {}.{}.{}, OpenCV {}, {}, {}", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR,
                     TORCH_VERSION_PATCH, CV_VERSION, photo_library, vectors);
}

std::string describe_runtime(const std::string& convolution) {
  return fmt::format("LibTorch {}.{}.{}, OpenCV {}, convolution: {}, {} thread(s) of {} core(s), CUDA devices: {}",
                     TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, TORCH_VERSION_PATCH, CV_VERSION, convolution,
                     at::get_num_threads(), available_cores(),
                     torch::cuda::is_available() ? static_cast<int64_t>(torch::cuda::device_count()) : 0);
}

}  // namespace zsr
