# cmake -DPACKAGE= -DPLATFORM= -DWORK_DIR= -P check_sbom.cmake
# Adds what is linked into the library of PACKAGE to an SBOM such as CycloneDX's Maven plugin makes.

set(root "${CMAKE_CURRENT_LIST_DIR}/../../..")
file(REMOVE_RECURSE "${WORK_DIR}")
set(bom "${WORK_DIR}/bom.json")
set(plain
    "{\"bomFormat\": \"CycloneDX\", \"metadata\": {\"component\": {\"bom-ref\": \"pkg:maven/a/m@1\", \"name\": \"m\"}},
      \"components\": [{\"bom-ref\": \"pkg:maven/a/b@1\", \"name\": \"b\", \"description\": \"one; [two\"}],
      \"dependencies\": [{\"ref\": \"pkg:maven/a/b@1\", \"dependsOn\": []},
                         {\"ref\": \"pkg:maven/a/m@1\", \"dependsOn\": [\"pkg:maven/a/b@1\"]}]}")

# Adds files to an SBOM of that text; `expected` in what it says, `ok` or `refused`.
function(add outcome text expected)
  list(JOIN ARGN "," linked)
  file(WRITE "${bom}" "${text}")
  execute_process(COMMAND "${CMAKE_COMMAND}" "-DBOM=${bom}" "-DLINKED=${linked}" -P "${root}/cmake/AddToSbom.cmake"
                  RESULT_VARIABLE failed OUTPUT_VARIABLE out ERROR_VARIABLE out)
  string(REGEX REPLACE "[ \n]+" " " out "${out}") # CMake breaks messages into lines
  if((outcome STREQUAL "ok" AND failed) OR (outcome STREQUAL "refused" AND NOT failed) OR NOT out MATCHES "${expected}")
    message(FATAL_ERROR "expected ${outcome} and \"${expected}\", got ${failed}: ${out}")
  endif()
endfunction()

function(expect what expected)
  file(READ "${bom}" text)
  string(JSON found ${what} "${text}" ${ARGN})
  if(NOT found STREQUAL expected)
    message(FATAL_ERROR "${what} ${ARGN} is \"${found}\", expected \"${expected}\"")
  endif()
endfunction()

# The same library twice, and one that was left out: CUDA's runtime is named where it is inside.
set(linked "${PACKAGE}.linked.json")
add(ok "${plain}" "" "${linked}" "${WORK_DIR}/left-out.json" "${linked}")
file(STRINGS "${PACKAGE}/META-INF/native/${PLATFORM}/natives.properties" cuda REGEX "^cuda=true$")
set(parts 2)
if(cuda)
  set(parts 3)
  expect(GET cudart_static components 3 name)
  expect(GET "NVIDIA CUDA Toolkit End User License Agreement" components 3 licenses 0 license name)
endif()
math(EXPR count "1 + ${parts}")
math(EXPR nodes "2 + ${parts}")
expect(LENGTH ${count} components)
expect(LENGTH ${nodes} dependencies)
expect(LENGTH ${count} dependencies 1 dependsOn)
expect(LENGTH 0 dependencies 0 dependsOn)
expect(GET "one; [two" components 0 description)
expect(GET "libstdc++" components 1 name)
expect(GET "GPL-3.0-or-later WITH GCC-exception-3.1" components 1 licenses 0 expression)
expect(GET libgcc components 2 name)
foreach(index RANGE 1 ${parts})
  file(READ "${bom}" text)
  string(JSON ref GET "${text}" components ${index} bom-ref)
  math(EXPR node "1 + ${index}")
  expect(GET "${ref}" dependencies ${node} ref)
  expect(GET "${ref}" dependencies 1 dependsOn ${index})
  string(JSON version GET "${text}" components ${index} version)
  if(NOT version MATCHES "^[0-9]+\\.[0-9]+" OR NOT ref MATCHES "^pkg:generic/.*@${version}$")
    message(FATAL_ERROR "component ${index} is ${ref} of version \"${version}\"")
  endif()
endforeach()

# Of a module without dependencies, whose lists are not there.
add(ok "{\"metadata\": {\"component\": {\"bom-ref\": \"m\"}}, \"dependencies\": [{\"ref\": \"m\"}]}" "" "${linked}")
expect(LENGTH ${parts} components)
expect(LENGTH ${parts} dependencies 0 dependsOn)

add(refused "${plain}" "none of these is there" "${WORK_DIR}/left-out.json")
string(REPLACE "\"ref\": \"pkg:maven/a/m@1\"" "\"ref\": \"other\"" headless "${plain}")
add(refused "${headless}" "does not say what pkg:maven/a/m@1 depends on" "${linked}")
