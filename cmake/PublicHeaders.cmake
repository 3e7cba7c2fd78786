# The headers that are installed: what a program includes, and what those include themselves. Everything else is free to
# change between versions.
set(zsr_public_headers
  core/device.h core/error.h core/files.h core/run_context.h
  image/color.h image/metrics.h image/photo.h image/photo_file.h image/resize.h
  degradations/downsample.h degradations/kernel.h degradations/kernel_families.h degradations/kernel_io.h
  degradations/recipe.h
  dip/dip.h kernelgan/estimate.h zssr/zssr.h
  training/train_network.h
  pipeline/methods.h pipeline/parameters/parameter.h pipeline/upscale.h)

# `out` becomes `headers` with the project's headers that they include, directly or not.
function(zsr_with_included_headers out headers)
  set(found "")
  set(pending ${headers})
  while(pending)
    list(POP_FRONT pending header)
    if(header IN_LIST found)
      continue()
    endif()
    list(APPEND found ${header})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} lines REGEX "^#include \".*[.]h\"")
    foreach(line ${lines})
      string(REGEX REPLACE "^#include \"(.*)\".*" "\\1" included "${line}")
      if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${included})
        message(FATAL_ERROR "${header} includes ${included}, which is not there")
      endif()
      list(APPEND pending ${included})
    endforeach()
  endwhile()
  list(SORT found)
  set(${out} ${found} PARENT_SCOPE)
endfunction()
