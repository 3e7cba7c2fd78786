# Everything that zsr stands on; README.md says why each was chosen.

# Debian's libtorch finds protobuf, glog and gflags itself; its config asks for C++14, ours for C++20.
find_package(Torch REQUIRED)
find_package(OpenCV REQUIRED COMPONENTS core imgproc imgcodecs)
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(VIPS REQUIRED IMPORTED_TARGET vips)
pkg_check_modules(MATIO REQUIRED IMPORTED_TARGET matio)

# oneDNN 2.x still has the AVX-512 Winograd convolution. It is used only as the shared library that LibTorch
# itself links: two copies of oneDNN in one process clash.
set(ZSR_HAVE_ONEDNN OFF)
if(ZSR_ONEDNN)
  # Not its CMake package: Debian's asks for OpenCL, which the CPU build does not use.
  find_path(ZSR_DNNL_INCLUDE oneapi/dnnl/dnnl_version.h)
  find_library(ZSR_DNNL_LIBRARY dnnl)
  find_library(ZSR_TORCH_CPU torch_cpu HINTS "${TORCH_INSTALL_PREFIX}/lib")
  if(ZSR_DNNL_INCLUDE AND ZSR_DNNL_LIBRARY AND ZSR_TORCH_CPU)
    file(STRINGS "${ZSR_DNNL_INCLUDE}/oneapi/dnnl/dnnl_version.h" dnnl_major REGEX "DNNL_VERSION_MAJOR 2")
    execute_process(COMMAND ${CMAKE_OBJDUMP} -p "${ZSR_TORCH_CPU}" OUTPUT_VARIABLE torch_needs ERROR_QUIET)
    if(dnnl_major AND torch_needs MATCHES "NEEDED +libdnnl\\.so\\.2")
      set(ZSR_HAVE_ONEDNN ON)
    endif()
  endif()
endif()
message(STATUS "zsr: fast oneDNN convolution: ${ZSR_HAVE_ONEDNN}")
