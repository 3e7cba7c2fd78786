#pragma once

// ZSR_VECTOR_CLONES: compiles a function whose loops the compiler can vectorise once for each width of x86 vectors and
// picks one at start-up.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define ZSR_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default"), optimize("fast-math")))
#else
#define ZSR_VECTOR_CLONES
#endif
