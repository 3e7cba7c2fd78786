#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

namespace zsr {

/// The device that `request` names: "auto" (CUDA when there is one, else CPU), "cpu", "cuda" or "cuda:N".
/// Throws OptionError for anything else and for a CUDA device that is not there.
torch::Device resolve_device(const std::string& request);

/// Cores this process may use: its affinity mask, cut by the cgroup's CPU quota; at least 1.
int64_t available_cores();

/// Bytes of memory this process may still take: MemAvailable, cut by the limits of the cgroup, and of the process
/// (ulimit -v and -d).
int64_t available_memory();

/// Peak resident memory of this process so far, bytes.
int64_t peak_memory();

/// Gives LibTorch and OpenCV their threads. `threads` 0 means all of `available_cores()`. Returns the number in force.
/// LibTorch 1.13 would take half the cores by itself.
int64_t set_thread_count(int64_t threads);

/// One line for bug reports: LibTorch and OpenCV versions, convolution and its instruction set, threads, CUDA devices.
std::string describe_runtime(const std::string& convolution);

/// Version of zsr, e.g. "0.3.0".
std::string library_version();

/// What the bytes of a result can depend on: LibTorch, OpenCV, `photo_library` (name and version, "libvips 8.14.1") and
/// the processor's vectors; for records.
std::string describe_libraries(const std::string& photo_library);

}  // namespace zsr
