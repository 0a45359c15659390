# cmake -DPROGRAM=medpruner_bench -DOUTPUT=results.json -P failed_checks.cmake
# A failed check gives no figure, is said, and ends in exit status 1; in each of the cases, whatever those before it did.

cmake_minimum_required(VERSION 3.25)
file(REMOVE "${OUTPUT}")
execute_process(
  COMMAND "${PROGRAM}" --cpu --damage --runs 5 --budget 0 --output "${OUTPUT}"
  RESULT_VARIABLE status
  OUTPUT_QUIET
  ERROR_VARIABLE errors)
if(NOT status EQUAL 1)
  message(FATAL_ERROR "exit status ${status}, expected 1: ${errors}")
endif()
# 5 of slice_anchor, 3 of attention_mass, 4 of nucleus_select, one of merge and gather, of prune and of stage 2.
string(REGEX MATCHALL "CHECK FAILED, no figure taken" failures "${errors}")
list(LENGTH failures count)
if(NOT count EQUAL 15)
  message(FATAL_ERROR "${count} failed checks, expected one in each of 15 cases: ${errors}")
endif()
file(READ "${OUTPUT}" results)
string(JSON rows LENGTH "${results}" rows)
if(NOT rows EQUAL 0)
  message(FATAL_ERROR "${rows} rows in spite of failed checks")
endif()
