# cmake -DBARS=bars.json -DOUTPUT=bars.inc -P bars.cmake
# Turns the bars into initialisers, so that the native program and the Java one judge by one list.

cmake_minimum_required(VERSION 3.25)
file(READ "${BARS}" bars)
string(JSON count LENGTH "${bars}")
math(EXPR last "${count} - 1")
set(table "")
foreach(i RANGE ${last})
  foreach(key id backend op case metric sense limit text)
    string(JSON ${key} GET "${bars}" ${i} ${key})
  endforeach()
  if(metric STREQUAL "ratio" OR metric STREQUAL "seconds_over")
    continue()
  endif()
  if(sense STREQUAL "at_least")
    set(lower_limit true)
  else()
    set(lower_limit false)
  endif()
  string(APPEND table "{\"${id}\", \"${backend}\", \"${op}\", \"${case}\", \"${metric}\", ${lower_limit}, "
                     "${limit}, \"${text}\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "${table}")
