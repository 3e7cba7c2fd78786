#include "training/communicator.h"

#include "core/error.h"
#include "training/mpi_module.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <chrono>
#include <cstdlib>
#include <dlfcn.h>
#include <exception>
#include <filesystem>
#include <optional>

namespace zsr::training {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

void* open_module() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  std::string why = "no module found";
  const fs::path path = program.parent_path() / "libzsr_mpi.so";
  if (fs::exists(path)) {
    // Global: MPI loads its own parts, which look for it among the global symbols.
    void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (module != nullptr) return module;
    why = dlerror();
  }
  throw Error(
      fmt::format("mpirun started several processes, but libzsr_mpi.so cannot be used ({}); build zsr with MPI "
                  "(libopenmpi-dev) or run it without mpirun",
                  why));
}

class MpiCommunicator : public Communicator {
 public:
  explicit MpiCommunicator(std::function<bool()> interrupted) : interrupted_(std::move(interrupted)) {
    void* const module = open_module();
    auto* const begin = reinterpret_cast<ZsrMpiBegin*>(dlsym(module, kZsrMpiBegin));
    sum_ = reinterpret_cast<ZsrMpiSum*>(dlsym(module, kZsrMpiSum));
    end_ = reinterpret_cast<ZsrMpiEnd*>(dlsym(module, kZsrMpiEnd));
    if (begin == nullptr || sum_ == nullptr || end_ == nullptr || begin(&rank_, &size_) != 0) {
      throw Error("MPI cannot be started");
    }
  }
  ~MpiCommunicator() override { end_(lost_ || std::uncaught_exceptions() > 0 ? 1 : 0); }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int64_t rank() const override { return rank_; }
  int64_t size() const override { return size_; }
  void sum(torch::Tensor values) override {
    asked_to_end_.reset();
    const auto may_wait = [](void* self) { return static_cast<MpiCommunicator*>(self)->may_wait() ? 1 : 0; };
    lost_ = sum_(values.data_ptr<float>(), values.numel(), may_wait, this) != 0;
    if (lost_) {
      throw Error(fmt::format(
          "another of the {} processes was lost; the last checkpoint stands, --resume goes on from it", size_));
    }
  }

 private:
  // While nobody asks this process to end, others may just be slow.
  bool may_wait() {
    constexpr auto kPatience = std::chrono::milliseconds(1500);
    if (!interrupted_ || !interrupted_()) return true;
    if (!asked_to_end_) asked_to_end_ = Clock::now();
    return Clock::now() - *asked_to_end_ < kPatience;
  }

  std::function<bool()> interrupted_;
  std::optional<Clock::time_point> asked_to_end_;
  int rank_ = 0;
  int size_ = 1;
  bool lost_ = false;
  ZsrMpiSum* sum_ = nullptr;
  ZsrMpiEnd* end_ = nullptr;
};

}  // namespace

int64_t launched_processes() {
  for (const char* const name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"}) {
    const char* const text = std::getenv(name);
    if (text != nullptr) return std::max(1L, std::strtol(text, nullptr, 10));
  }
  return 1;
}

std::unique_ptr<Communicator> make_communicator(std::function<bool()> interrupted) {
  if (launched_processes() < 2) return std::make_unique<Communicator>();
  return std::make_unique<MpiCommunicator>(std::move(interrupted));
}

}  // namespace zsr::training
