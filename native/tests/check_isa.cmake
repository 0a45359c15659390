# cmake -DPROGRAM= -P check_isa.cmake
# The hashes of every op's outputs must not depend on the instruction-set tier nor on the threads.

execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE best RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${PROGRAM} failed")
endif()
string(REGEX MATCHALL "[^\n]+" lines "${best}")
list(LENGTH lines count)
if(NOT count EQUAL 8)
  message(FATAL_ERROR "expected 8 lines of hashes:\n${best}")
endif()
foreach(setting MEDPRUNER_MAX_ISA=x86-64 MEDPRUNER_MAX_ISA=avx2+fma MEDPRUNER_THREADS=1
                MEDPRUNER_THREADS=2 MEDPRUNER_THREADS=7)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E env ${setting} "${PROGRAM}"
                  OUTPUT_VARIABLE other RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${PROGRAM} failed with ${setting}")
  endif()
  if(NOT best STREQUAL other)
    message(FATAL_ERROR "results differ:\n${best}\nagainst ${setting}:\n${other}")
  endif()
endforeach()
message(STATUS "same bits with every tier and number of threads:\n${best}")
