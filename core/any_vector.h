#pragma once

/// Put before a function whose loops should be compiled for each generation of x86 vectors; the loader picks the
/// widest. Other processors and compilers have one copy; so have sanitized builds, which start before the loader can
/// pick.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define ZSR_ANY_VECTOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ZSR_ANY_VECTOR
#endif
