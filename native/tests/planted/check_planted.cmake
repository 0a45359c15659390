# Runs PROGRAM, which holds a planted defect: it has to fail, with EXPECTED in what it prints.

execute_process(COMMAND "${PROGRAM}" RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
string(APPEND out "${err}")
if(code EQUAL 0)
  message(FATAL_ERROR "the planted defect went unnoticed:\n${out}")
endif()
if(NOT out MATCHES "${EXPECTED}")
  message(FATAL_ERROR "failed (${code}), but without \"${EXPECTED}\":\n${out}")
endif()
string(REGEX MATCH "[^\n]*(${EXPECTED})[^\n]*" line "${out}")
message(STATUS "noticed: ${line}")
