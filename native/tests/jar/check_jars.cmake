# cmake -DPACKAGE= [-DORT_PACKAGE=] [-DMOST_GLIBC=] -DPLATFORM= -DREADELF= -DWORK_DIR= -P check_jars.cmake
# Makes a natives jar of PACKAGE, which the check has to pass, and spoilt ones, which it has to refuse for their own
# reason. Where it does not matter which library is in them, they are of ORT_PACKAGE if that is given: it is a thirtieth
# of the other's size, and packing and reading that one twenty times took half a minute.

set(root "${CMAKE_CURRENT_LIST_DIR}/../../..")

macro(use_library)
  set(package "${PACKAGE}")
  set(library libmedpruner.so)
  set(properties natives.properties)
  set(of_library "-DEXPECTED=${root}/native/tests/exports.txt")
endmacro()

macro(use_small_library)
  use_library()
  if(ORT_PACKAGE)
    set(package "${ORT_PACKAGE}")
    set(library libmedpruner_ort.so)
    set(properties ort.properties)
    set(of_library "-DEXPECTED=${root}/native/tests/ort_exports.txt" -DPROPERTIES=ort.properties
                   "-DSONAME=libmedpruner_ort.so" -DALSO_NEEDED=libmedpruner)
  endif()
endmacro()

# A fresh folder that becomes a jar; its path inside to the library's folder is `inside`.
function(new_tree)
  file(REMOVE_RECURSE "${WORK_DIR}")
  file(COPY "${package}/META-INF" DESTINATION "${WORK_DIR}/tree")
  set(tree "${WORK_DIR}/tree" PARENT_SCOPE)
  set(inside "${WORK_DIR}/tree/META-INF/native/${PLATFORM}" PARENT_SCOPE)
endfunction()

# Packs the tree as medpruner-natives-1<suffix>.jar and checks it; `expected` in what it says, `ok` or `refused`.
function(check outcome suffix expected)
  set(jar "${WORK_DIR}/medpruner-natives-1${suffix}.jar")
  execute_process(COMMAND "${CMAKE_COMMAND}" -E tar cf "${jar}" --format=zip META-INF WORKING_DIRECTORY "${WORK_DIR}/tree"
                          COMMAND_ERROR_IS_FATAL ANY)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" "-DJARS=${WORK_DIR}/*.jar" -DBUDGET=15000000 "-DREADELF=${READELF}" ${of_library}
            ${ARGN} -P "${root}/cmake/CheckNativesJar.cmake"
    RESULT_VARIABLE failed
    OUTPUT_VARIABLE out
    ERROR_VARIABLE out)
  string(REGEX REPLACE "[ \n]+" " " out "${out}") # CMake breaks messages into lines
  if((outcome STREQUAL "ok" AND failed) OR (outcome STREQUAL "refused" AND NOT failed) OR NOT out MATCHES "${expected}")
    message(FATAL_ERROR "expected ${outcome} and \"${expected}\", got ${failed}: ${out}")
  endif()
endfunction()

function(change_property key value)
  file(READ "${inside}/${properties}" text)
  string(REGEX REPLACE "(^|\n)${key}=[^\n]*" "\\1${key}=${value}" text "${text}")
  file(WRITE "${inside}/${properties}" "${text}")
endfunction()

use_library()
new_tree()
check(ok "-${PLATFORM}" "[0-9]+ exported symbols as listed.*glibc 2\\.[0-9]+ or newer.*ABI [0-9.]+, SHA-256 [0-9a-f]+" "-DMAX_GLIBC=${MOST_GLIBC}")
check(refused "" "its budget is 1000" -DBUDGET=1000)
check(refused "" "a release may need 2.2 at most" -DMAX_GLIBC=2.2)
check(refused "" "the soname of libmedpruner.so is not libother.so.[0-9]" "-DSONAME=libother.so.<major>")
file(WRITE "${WORK_DIR}/short.txt" "medpruner_alloc\n")
check(refused "" "exported symbols differ" "-DEXPECTED=${WORK_DIR}/short.txt")

use_small_library()
new_tree()
check(ok "" "exported symbols as listed" "-DMAX_GLIBC=${MOST_GLIBC}")
check(refused "-linux-s390x" "holds a library for ${PLATFORM}")

new_tree()
file(APPEND "${inside}/${library}" "one more")
check(refused "" "${properties} says sha256=")

function(opposite_of_cuda result)
  file(STRINGS "${package}/META-INF/native/${PLATFORM}/${properties}" cuda REGEX "^cuda=")
  if(cuda STREQUAL "cuda=true")
    set(${result} false PARENT_SCOPE)
  else()
    set(${result} true PARENT_SCOPE)
  endif()
endfunction()

opposite_of_cuda(opposite)
foreach(pair abi=one abi=1.99 abi=9.0 size=1 glibc=1.0 cuda=maybe cuda=${opposite} file=other.so)
  string(REGEX MATCH "([a-z]+)=(.*)" pair "${pair}")
  new_tree()
  change_property("${CMAKE_MATCH_1}" "${CMAKE_MATCH_2}")
  check(refused "" "${properties} says ${pair}")
endforeach()

# What the classifier promises the library has to keep, whatever its properties say.
use_library()
opposite_of_cuda(opposite)
new_tree()
if(opposite)
  check(ok "-${PLATFORM}-cpu" "cuda false")
else()
  check(refused "-${PLATFORM}-cpu" "holds a library with CUDA")
  change_property(cuda false)
  check(refused "-${PLATFORM}-cpu" "holds a library with CUDA")
endif()

use_small_library()
new_tree()
file(WRITE "${inside}/libother.so" "")
check(refused "" "holds 2 libraries under META-INF/native, expected 1")

new_tree()
cmake_path(GET inside PARENT_PATH above)
file(RENAME "${inside}" "${above}/linux-aarch65")
check(refused "" "META-INF/native/linux-aarch65 holds a library for")

new_tree()
file(REMOVE "${WORK_DIR}/tree/META-INF/LICENSE")
check(refused "" "lacks META-INF/LICENSE")

# In a checkout whose path would be another regular expression.
new_tree()
set(sources "${root}")
set(root "${WORK_DIR}/c++ (a)")
foreach(file cmake/CheckNativesJar.cmake cmake/ElfFacts.cmake native/tests/check_exports.cmake native/include/medpruner/version.h)
  configure_file("${sources}/${file}" "${root}/${file}" COPYONLY)
endforeach()
check(ok "" "exported symbols as listed")
file(APPEND "${inside}/${library}" "${root}/native/src/abi/version.cpp")
file(SHA256 "${inside}/${library}" sha256)
file(SIZE "${inside}/${library}" size)
change_property(sha256 "${sha256}")
change_property(size "${size}")
check(refused "" "${library} names files of this machine")
message(STATUS "the jar passes, every spoilt one is refused")
