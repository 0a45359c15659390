# cmake -DBUILD_DIR= -DEXAMPLE_DIR= -DWORK_DIR= -DC_COMPILER= -DGENERATOR= -P check_install.cmake
# Installs, moves the prefix, and builds and runs the example against it both ways.

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(failed)
    message(FATAL_ERROR "${ARGN}: ${failed}\n${out}")
  endif()
  set(output "${out}" PARENT_SCOPE)
endfunction()

function(expect_example program)
  run(${ARGN} "${program}")
  if(NOT output MATCHES "^kept 3 of 24 slices\n$")
    message(FATAL_ERROR "${program} printed: ${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --component development --prefix "${WORK_DIR}/first")
file(RENAME "${WORK_DIR}/first" "${WORK_DIR}/moved")

run("${CMAKE_COMMAND}" -S "${EXAMPLE_DIR}" -B "${WORK_DIR}/example" -G "${GENERATOR}"
    "-DCMAKE_PREFIX_PATH=${WORK_DIR}/moved" "-DCMAKE_C_COMPILER=${C_COMPILER}")
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/example")
expect_example("${WORK_DIR}/example/slice_anchor")

file(GLOB_RECURSE pc "${WORK_DIR}/moved/*/medpruner.pc")
list(LENGTH pc count)
if(NOT count EQUAL 1)
  message(FATAL_ERROR "${count} files medpruner.pc were installed, expected 1: ${pc}")
endif()
get_filename_component(pc_dir "${pc}" DIRECTORY)
find_program(pkg_config NAMES pkg-config pkgconf)
if(NOT pkg_config)
  message("SKIP: pkg-config was not found, so medpruner.pc was not tried") # as ./medpruner test shows it
  return()
endif()
run("${CMAKE_COMMAND}" -E env "PKG_CONFIG_PATH=${pc_dir}" "${pkg_config}" --cflags --libs medpruner)
string(STRIP "${output}" flags)
separate_arguments(flags UNIX_COMMAND "${flags}")
run("${C_COMPILER}" -std=c11 "${EXAMPLE_DIR}/slice_anchor.c" -o "${WORK_DIR}/with_pkg_config" ${flags})
get_filename_component(lib_dir "${pc_dir}" DIRECTORY)
expect_example("${WORK_DIR}/with_pkg_config" "${CMAKE_COMMAND}" -E env "LD_LIBRARY_PATH=${lib_dir}")
