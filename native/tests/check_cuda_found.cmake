# cmake -DSOURCE_DIR= -DWORK_DIR= -DGENERATOR= -DCXX_COMPILER= -DCUDA_COMPILER= -P check_cuda_found.cmake
# A build folder that was configured where there was no CUDA compiler finds one that was installed since.

file(REMOVE_RECURSE "${WORK_DIR}")
file(WRITE "${WORK_DIR}/CMakeLists.txt"
     "cmake_minimum_required(VERSION 3.25)\n"
     "project(found LANGUAGES CXX)\n"
     "set(MEDPRUNER_CUDA AUTO CACHE STRING \"\")\n"
     "set(MEDPRUNER_CUDA_ARCHS 90 CACHE STRING \"\")\n"
     # That it is found says the check before; to set the language up takes as long again.
     "macro(enable_language)\nendmacro()\n"
     "include(\"${SOURCE_DIR}/cmake/MedprunerCuda.cmake\")\n")

function(configure folder compiler expected)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env ${compiler} "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${WORK_DIR}" -B
            "${WORK_DIR}/${folder}" "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}"
    OUTPUT_VARIABLE out
    ERROR_VARIABLE out COMMAND_ERROR_IS_FATAL ANY)
  if(NOT out MATCHES "CUDA backend ${expected}")
    message(FATAL_ERROR "${folder}, ${compiler}: expected CUDA backend ${expected}, got: ${out}")
  endif()
endfunction()

configure(build CUDACXX=/nonexistent OFF)
configure(build "CUDACXX=${CUDA_COMPILER}" ON)
message(STATUS "found by the folder that had none")
