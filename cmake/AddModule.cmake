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

# zsr_add_tests(FOLDER [SHARDS N] SRCS ... LIBS ...): one executable per folder, and one ctest or N, each with a share
# of the cases.
function(zsr_add_tests folder)
  cmake_parse_arguments(ARG "" "SHARDS" "SRCS;LIBS" ${ARGN})
  set(target test_${folder})
  # Compiled as position-independent objects like everything else, so that they can use the precompiled header.
  add_library(${target}_objects OBJECT ${ARG_SRCS})
  target_compile_features(${target}_objects PRIVATE cxx_std_20)
  # Tests are compiled once and run for seconds: the compiler need not work hard for them.
  set(quick -O1)
  # -O1 leaves these off, and GCC then refuses the precompiled header of -O3.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13 AND
     CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
    list(APPEND quick -mvzeroupper -munroll-only-small-loops)
  endif()
  target_compile_options(${target}_objects PRIVATE ${zsr_warnings} "$<$<CONFIG:Release>:${quick}>")
  target_link_libraries(${target}_objects PRIVATE ${ARG_LIBS} zsr_test_support)
  set_target_properties(${target}_objects PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_precompile_headers(${target}_objects REUSE_FROM zsr_pch)
  add_executable(${target})
  target_link_libraries(${target} PRIVATE ${target}_objects ${ARG_LIBS} zsr_test_support)
  set(timeout 2400)
  if(ZSR_SANITIZE)
    set(timeout 7200)
  endif()
  # One ctest per folder keeps LibTorch's start-up (0.4 s) out of every single case. A long one is shared out over
  # several, so that where tests run side by side it is not what all others wait for.
  set(shards 1)
  if(ARG_SHARDS)
    set(shards ${ARG_SHARDS})
  endif()
  foreach(shard RANGE 1 ${shards})
    set(name ${folder})
    # Threads that spin while they wait make a busy neighbour cost several times its share.
    set(environment OMP_WAIT_POLICY=passive)
    if(shards GREATER 1)
      set(name ${folder}_${shard})
      math(EXPR index "${shard} - 1")
      list(APPEND environment GTEST_TOTAL_SHARDS=${shards} GTEST_SHARD_INDEX=${index})
    endif()
    add_test(NAME ${name} COMMAND ${target} --gtest_filter=-*_Slow*)
    set_tests_properties(${name} PROPERTIES LABELS quick TIMEOUT ${timeout} ENVIRONMENT "${environment}")
    if(shards GREATER 1)
      set_tests_properties(${name} PROPERTIES COST 100)  # the first to begin
    endif()
  endforeach()
endfunction()
