#include "training/mpi_module.h"

#include <algorithm>
#include <mpi.h>
#include <unistd.h>

extern "C" int zsr_mpi_begin(int* rank, int* size) {
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized == 0 && MPI_Init(nullptr, nullptr) != MPI_SUCCESS) return 1;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  return MPI_Comm_rank(MPI_COMM_WORLD, rank) != MPI_SUCCESS || MPI_Comm_size(MPI_COMM_WORLD, size) != MPI_SUCCESS;
}

extern "C" int zsr_mpi_sum(float* values, long long count, int (*may_wait)(void*), void* context) {
  // MPI counts in int.
  constexpr long long kMost = 1LL << 28;
  for (long long begin = 0; begin < count; begin += kMost) {
    MPI_Request request = MPI_REQUEST_NULL;
    const int part = static_cast<int>(std::min(kMost, count - begin));
    if (MPI_Iallreduce(MPI_IN_PLACE, values + begin, part, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD, &request) !=
        MPI_SUCCESS) {
      return 1;
    }
    int done = 0;
    for (long looks = 0; done == 0; ++looks) {
      if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return 1;
      constexpr long kBusyLooks = 2000;
      constexpr unsigned kPauseUs = 50;
      if (done == 0 && looks > kBusyLooks) {
        if (may_wait(context) == 0) return 1;
        usleep(kPauseUs);
      }
    }
  }
  return 0;
}

extern "C" void zsr_mpi_end(int failed) {
  if (failed != 0) {
    MPI_Abort(MPI_COMM_WORLD, 1);
  } else {
    MPI_Finalize();
  }
}
