# zsr_add_library(NAME SRCS ... [NO_TORCH_PCH file ...] PUBLIC targets... PRIVATE targets...)
# One static library per folder, exported as zsr::<name>. Files under NO_TORCH_PCH do not include torch.
function(zsr_add_library name)
  cmake_parse_arguments(ARG "NO_INSTALL" "" "SRCS;NO_TORCH_PCH;PUBLIC;PRIVATE" ${ARGN})
  add_library(zsr_${name} STATIC ${ARG_SRCS} ${ARG_NO_TORCH_PCH})
  add_library(zsr::${name} ALIAS zsr_${name})
  target_include_directories(zsr_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/zsr>)
  target_compile_features(zsr_${name} PUBLIC cxx_std_20)
  target_compile_options(zsr_${name} PRIVATE ${zsr_warnings})
  target_link_libraries(zsr_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  set_target_properties(zsr_${name} PROPERTIES
    EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_precompile_headers(zsr_${name} REUSE_FROM zsr_pch)
  if(ARG_NO_TORCH_PCH)
    set_source_files_properties(${ARG_NO_TORCH_PCH} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endif()
  if(NOT ARG_NO_INSTALL)
    set_property(GLOBAL APPEND PROPERTY ZSR_INSTALL_TARGETS zsr_${name})
  endif()
endfunction()

# zsr_add_tests(FOLDER SRCS ... LIBS ... [SLOW]): one executable per folder; every case is its own ctest.
function(zsr_add_tests folder)
  cmake_parse_arguments(ARG "" "" "SRCS;LIBS;LABELS" ${ARGN})
  set(target test_${folder})
  # Compiled as position-independent objects like everything else, so that they can use the precompiled header.
  add_library(${target}_objects OBJECT ${ARG_SRCS})
  target_compile_features(${target}_objects PRIVATE cxx_std_20)
  target_compile_options(${target}_objects PRIVATE ${zsr_warnings})
  target_link_libraries(${target}_objects PRIVATE ${ARG_LIBS} zsr_test_support)
  set_target_properties(${target}_objects PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_precompile_headers(${target}_objects REUSE_FROM zsr_pch)
  add_executable(${target})
  target_link_libraries(${target} PRIVATE ${target}_objects ${ARG_LIBS} zsr_test_support)
  # One ctest per folder keeps LibTorch's start-up (0.4 s) out of every single case.
  add_test(NAME ${folder} COMMAND ${target} --gtest_filter=-*_Slow*)
  set_tests_properties(${folder} PROPERTIES LABELS "quick;${ARG_LABELS}" TIMEOUT 900)
endfunction()
