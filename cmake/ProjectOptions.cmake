# zsr_options: language level and flags every target of the project shares.
add_library(zsr_options INTERFACE)
target_compile_features(zsr_options INTERFACE cxx_std_20)
set_property(TARGET torch PROPERTY INTERFACE_COMPILE_FEATURES cxx_std_20)

set(zsr_warnings -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-unknown-pragmas
  -Wno-missing-field-initializers)  # designated initializers leave defaults on purpose
if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
  list(APPEND zsr_warnings -fpch-preprocess)  # lets ccache see through the precompiled header
endif()
if(ZSR_WERROR)
  list(APPEND zsr_warnings -Werror)
endif()

# Some dependencies ask for -pthread; a precompiled header serves only units with the same flags.
add_compile_options(-pthread)

# at::parallel_for is a template over OpenMP pragmas: without the flag it runs everything on one thread, silently.
find_package(OpenMP REQUIRED COMPONENTS CXX)
add_compile_options(${OpenMP_CXX_FLAGS})

if(ZSR_SANITIZE)
  add_compile_options(-fsanitize=${ZSR_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ZSR_SANITIZE})
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness lets ccache work with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

# One precompiled LibTorch header for the whole project. It holds tensors and their operations alone: GCC instantiates again
# in every unit what a precompiled header left pending, 7 s with <torch/torch.h> for an empty file, 3 s with this.
set(pch_source "${CMAKE_CURRENT_BINARY_DIR}/zsr_pch.cpp")
file(CONFIGURE OUTPUT "${pch_source}" CONTENT "// carrier of the precompiled LibTorch header\n")
add_library(zsr_pch OBJECT "${pch_source}")
target_link_libraries(zsr_pch PRIVATE zsr_options torch)
target_compile_options(zsr_pch PRIVATE ${zsr_warnings})
set_target_properties(zsr_pch PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
target_precompile_headers(zsr_pch PRIVATE <torch/types.h>)
