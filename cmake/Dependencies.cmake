# Everything that zsr stands on; README.md says why each was chosen.

# Debian's libtorch finds protobuf, glog and gflags itself; its config asks for C++14, ours for C++20.
find_package(Torch REQUIRED)
find_package(OpenCV REQUIRED COMPONENTS core imgproc imgcodecs photo)
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)  # what ONNX's targets link to
find_package(ONNX REQUIRED)
if(TARGET ONNX::onnx_proto)  # newer releases
  set(zsr_onnx_namespace ONNX::)
endif()
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(VIPS REQUIRED IMPORTED_TARGET vips)
pkg_check_modules(HEIF REQUIRED IMPORTED_TARGET libheif)
pkg_check_modules(OPENEXR REQUIRED IMPORTED_TARGET OpenEXR)
pkg_check_modules(MATIO REQUIRED IMPORTED_TARGET matio)
pkg_check_modules(LIBRAW REQUIRED IMPORTED_TARGET libraw_r)  # the variant for several threads
