# Runs the programs of examples/cpp and holds what they write against the program's own.
# Arguments: BUILD, PHOTO.
set(folder ${BUILD}/tests/examples_run)
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${folder} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN} ended with ${code}:\n${out}${err}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

run(${BUILD}/examples/cpp/example_upscale_photo ${PHOTO} library.png)
run(${BUILD}/zsr upscale ${PHOTO} -s 2 -o program.png -q --no-record)
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${folder}/library.png ${folder}/program.png
  RESULT_VARIABLE differs)
if(differs)
  message(FATAL_ERROR "the example and 'zsr upscale' wrote different files")
endif()

run(${BUILD}/examples/cpp/example_own_method ${PHOTO} own.png)
string(JSON before GET "${out}" inconsistency before)
string(JSON after GET "${out}" inconsistency after)
if(NOT after LESS before)
  message(FATAL_ERROR "back-projection did not help: ${before} before, ${after} after")
endif()

run(${BUILD}/examples/cpp/example_own_method ${PHOTO} own3.png 3)
string(JSON used GET "${out}" fields iterations used)
if(NOT used EQUAL 3)
  message(FATAL_ERROR "the example's own setting was recorded as ${used} instead of 3")
endif()

run(${BUILD}/examples/cpp/example_estimate_kernel ${PHOTO} kernel.txt)
run(${BUILD}/zsr kernel show kernel.txt)

run(${BUILD}/examples/cpp/example_train_network ${PHOTO} weights.safetensors)
run(${BUILD}/zsr upscale ${PHOTO} --weights weights.safetensors -o trained.png -q)
