# What a jar holds: <build>/<folder>/META-INF/native/<platform>/{lib, <properties>}, and the licences in
# <build>/<folder>/META-INF. Made by target <name>. <cuda>: whether the CUDA backend is in the library. Beside the
# folder, <build>/<folder>.linked.json: what is in the library that Maven does not know of, for AddToSbom.cmake; the
# same as in native/THIRD-PARTY-NATIVE.md. Further arguments: medpruner_component()s of this library alone.

# Sets `variable` to a component of CycloneDX; `licence` is an entry of its "licenses".
function(medpruner_component variable name version purl licence)
  set(${variable}
      "{\"type\":\"library\",\"bom-ref\":\"${purl}\",\"name\":\"${name}\",\"version\":\"${version}\",\"licenses\":[${licence}],\"purl\":\"${purl}\"}"
      PARENT_SCOPE)
endfunction()

function(medpruner_linked file cuda)
  set(exception "{\"expression\":\"GPL-3.0-or-later WITH GCC-exception-3.1\"}")
  set(gcc "${CMAKE_CXX_COMPILER_VERSION}")
  medpruner_component(stdcxx "libstdc++" "${gcc}" "pkg:generic/libstdc%2B%2B@${gcc}" "${exception}")
  medpruner_component(libgcc libgcc "${gcc}" "pkg:generic/libgcc@${gcc}" "${exception}")
  set(components "${stdcxx}" "${libgcc}")
  if(cuda)
    # The runtime's version is the toolkit's first two numbers; behind them each part of a toolkit has its own.
    string(REGEX MATCH "^[0-9]+\\.[0-9]+" toolkit "${CMAKE_CUDA_COMPILER_VERSION}")
    medpruner_component(
      cudart cudart_static "${toolkit}" "pkg:generic/cudart_static@${toolkit}"
      "{\"license\":{\"name\":\"NVIDIA CUDA Toolkit End User License Agreement\",\"url\":\"https://docs.nvidia.com/cuda/eula/index.html\"}}")
    list(APPEND components "${cudart}")
  endif()
  list(APPEND components ${ARGN})
  list(JOIN components ",\n" text)
  file(CONFIGURE OUTPUT "${file}" CONTENT "[${text}]\n" @ONLY)
endfunction()

function(medpruner_package target name folder properties cuda)
  medpruner_linked("${CMAKE_BINARY_DIR}/${folder}.linked.json" ${cuda} ${ARGN})
  if(cuda)
    set(cuda true)
  else()
    set(cuda false)
  endif()
  set(notices "${CMAKE_SOURCE_DIR}/LICENSE" "${CMAKE_SOURCE_DIR}/native/THIRD-PARTY-NATIVE.md")
  set(output "${CMAKE_BINARY_DIR}/${folder}/META-INF/native/${MEDPRUNER_PLATFORM}")
  set(stamp "${output}/${properties}")
  add_custom_command(
    OUTPUT "${stamp}"
    COMMAND
      "${CMAKE_COMMAND}" "-DLIBRARY=$<TARGET_FILE:${target}>" "-DNAME=$<TARGET_LINKER_FILE_NAME:${target}>" "-DCUDA=${cuda}"
      "-DVERSION_HEADER=${CMAKE_SOURCE_DIR}/native/include/medpruner/version.h"
      "-DSTRIP=${CMAKE_STRIP}" "-DREADELF=${CMAKE_READELF}"
      "-DNOTICES=${notices}" "-DOUTPUT_DIR=${output}" "-DPROPERTIES=${properties}" -P "${CMAKE_SOURCE_DIR}/cmake/WritePackage.cmake"
    DEPENDS ${target} ${notices} "${CMAKE_SOURCE_DIR}/cmake/WritePackage.cmake" "${CMAKE_SOURCE_DIR}/cmake/ElfFacts.cmake"
    VERBATIM)
  add_custom_target(${name} ALL DEPENDS "${stamp}")
endfunction()
