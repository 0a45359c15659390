# cmake -DSOURCE_DIR= -DOUTPUT=commit.inc -P commit.cmake
# The commit that is being built, for results made where there is no git. Rewritten only when it changes.

cmake_minimum_required(VERSION 3.25)
set(commit unknown)
set(dirty false)
find_program(git git)
if(git)
  execute_process(COMMAND "${git}" -C "${SOURCE_DIR}" rev-parse HEAD OUTPUT_VARIABLE found
                  RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(commit "${found}")
    # Results are no change, or a second run would count as one.
    execute_process(
      COMMAND "${git}" -C "${SOURCE_DIR}" status --porcelain --untracked-files=no -- .
              ":!bench/results" OUTPUT_VARIABLE changes ERROR_QUIET)
    if(changes)
      set(dirty true)
    endif()
  endif()
endif()
set(text "constexpr char kCommit[] = \"${commit}\";\nconstexpr bool kDirty = ${dirty};\n")
set(former "")
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" former)
endif()
if(NOT former STREQUAL text)
  file(WRITE "${OUTPUT}" "${text}")
endif()
