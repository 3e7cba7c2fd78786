#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace zsr::training {

/// The processes of one data-parallel run. Alone: one of one.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int64_t rank() const { return 0; }
  virtual int64_t size() const { return 1; }
  /// Sums `values` (flat float32, contiguous, on the CPU) over all processes, in place. Throws Error when another
  /// process is lost.
  virtual void sum(torch::Tensor values) { (void)values; }
  bool leads() const { return rank() == 0; }
};

/// Processes that mpirun says it started; 1 without it.
int64_t launched_processes();

/// Under `mpirun -np N` the N processes, through MPI; else alone. MPI is a module of its own (libzsr_mpi.so beside the
/// program or in ../lib/zsr), so that a program that runs alone does not load it. `interrupted` says whether this
/// process was asked to end: a sum that then does not come about within seconds means that another process is gone.
/// Throws Error when MPI was used to start several processes but the module is not there.
std::unique_ptr<Communicator> make_communicator(std::function<bool()> interrupted);

}  // namespace zsr::training
