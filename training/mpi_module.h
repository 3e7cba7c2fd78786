#pragma once

// What libzsr_mpi.so offers: plain C, so that nothing but MPI is behind it.
extern "C" {
using ZsrMpiBegin = int(int* rank, int* size);  ///< 0 when MPI works.
/// Sums over all processes in place. `may_wait` is asked while it waits; 0 gives up. Returns 0 when the sum is there.
using ZsrMpiSum = int(float* values, long long count, int (*may_wait)(void*), void* context);
using ZsrMpiEnd = void(int failed);  ///< `failed`: ends the other processes too.
}

constexpr const char* kZsrMpiBegin = "zsr_mpi_begin";
constexpr const char* kZsrMpiSum = "zsr_mpi_sum";
constexpr const char* kZsrMpiEnd = "zsr_mpi_end";
