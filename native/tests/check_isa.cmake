# cmake -DPROGRAM= -P check_isa.cmake
# The hashes of every op's outputs must not depend on the instruction-set tier.

execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE best RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${PROGRAM} failed")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -E env MEDPRUNER_MAX_ISA=x86-64 "${PROGRAM}"
                OUTPUT_VARIABLE baseline RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${PROGRAM} failed on the baseline tier")
endif()
string(REGEX MATCHALL "[^\n]+" lines "${best}")
list(LENGTH lines count)
if(NOT count EQUAL 8)
  message(FATAL_ERROR "expected 8 lines of hashes:\n${best}")
endif()
if(NOT best STREQUAL baseline)
  message(FATAL_ERROR "the tiers differ:\n${best}\nagainst baseline:\n${baseline}")
endif()
message(STATUS "same bits on both tiers:\n${best}")
