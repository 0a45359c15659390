# What a jar holds: <build>/<folder>/META-INF/native/<platform>/{lib, <properties>}, and the licences in
# <build>/<folder>/META-INF. Made by target <name>. <cuda>: whether the CUDA backend is in the library.

function(medpruner_package target name folder properties cuda)
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
