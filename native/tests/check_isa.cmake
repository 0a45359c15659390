# cmake -DPROGRAM= -P check_isa.cmake
# The hashes of every op's outputs must not depend on the instruction-set tier nor on the threads. That a tier is
# really another one, the program's first line says.

# The tier and the hashes that it prints with these arguments of `env`.
function(run tier hashes)
  execute_process(COMMAND env ${ARGN} "${PROGRAM}" OUTPUT_VARIABLE out RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${PROGRAM} failed with ${ARGN}")
  endif()
  if(NOT out MATCHES "^([^\n]+)\n(.*)$")
    message(FATAL_ERROR "expected a tier and hashes:\n${out}")
  endif()
  set(${tier} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  set(${hashes} "${CMAKE_MATCH_2}" PARENT_SCOPE)
endfunction()

run(best_tier best -u MEDPRUNER_MAX_ISA)
string(REGEX MATCHALL "[^\n]+" lines "${best}")
list(LENGTH lines count)
if(NOT count EQUAL 8)
  message(FATAL_ERROR "expected 8 lines of hashes:\n${best}")
endif()
foreach(setting IN ITEMS MEDPRUNER_MAX_ISA=x86-64 MEDPRUNER_MAX_ISA=avx2+fma MEDPRUNER_THREADS=1
                         MEDPRUNER_THREADS=2 MEDPRUNER_THREADS=7)
  run(tier other ${setting})
  if(NOT best STREQUAL other)
    message(FATAL_ERROR "results differ:\n${best}\nagainst ${setting}:\n${other}")
  endif()
  if(setting MATCHES "^MEDPRUNER_MAX_ISA=(.*)$")
    set(expected "${CMAKE_MATCH_1}")
    if(best_tier STREQUAL "neon" OR best_tier STREQUAL "x86-64")
      set(expected "${best_tier}") # the only one
    endif()
    if(NOT tier STREQUAL expected)
      message(FATAL_ERROR "with ${setting} the tier is ${tier}, expected ${expected}")
    endif()
  endif()
endforeach()
message(STATUS "same bits as in ${best_tier} with every tier and number of threads:\n${best}")
