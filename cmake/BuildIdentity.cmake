# Writes OUTPUT, a source file with the identity of this build: the commit and, where files differ from it, a hash of the
# differences. Without git the version alone. Runs with every build; the file changes only when the identity does.
# Arguments: SOURCE, VERSION, OUTPUT.
set(identity "${VERSION}")
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE commit RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT failed)
    string(APPEND identity "+${commit}")
    execute_process(COMMAND ${git} -C ${SOURCE} diff HEAD OUTPUT_VARIABLE difference ERROR_QUIET)
    if(difference)
      string(SHA256 hash "${difference}")
      string(SUBSTRING "${hash}" 0 8 hash)
      string(APPEND identity ".${hash}")
    endif()
  endif()
endif()
set(text "namespace zsr::cli {

const char* build_identity() {
  return \"${identity}\";
}

}  // namespace zsr::cli
")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT "${before}" STREQUAL "${text}")
  file(WRITE ${OUTPUT} "${text}")
endif()
