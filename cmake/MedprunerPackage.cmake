# What the natives jar holds: <build>/package/META-INF/native/<platform>/{lib, natives.properties}, and the licences in
# <build>/package/META-INF.

set(MEDPRUNER_PACKAGE_DIR "${CMAKE_BINARY_DIR}/package/META-INF/native/${MEDPRUNER_PLATFORM}")

function(medpruner_package target)
  set(cuda false)
  if(MEDPRUNER_HAS_CUDA)
    set(cuda true)
  endif()
  set(notices "${CMAKE_SOURCE_DIR}/LICENSE" "${CMAKE_SOURCE_DIR}/native/THIRD-PARTY-NATIVE.md")
  set(stamp "${MEDPRUNER_PACKAGE_DIR}/natives.properties")
  add_custom_command(
    OUTPUT "${stamp}"
    COMMAND
      "${CMAKE_COMMAND}" "-DLIBRARY=$<TARGET_FILE:${target}>" "-DNAME=$<TARGET_LINKER_FILE_NAME:${target}>" "-DCUDA=${cuda}"
      "-DVERSION_HEADER=${CMAKE_SOURCE_DIR}/native/include/medpruner/version.h"
      "-DSTRIP=${CMAKE_STRIP}" "-DREADELF=${CMAKE_READELF}"
      "-DNOTICES=${notices}" "-DOUTPUT_DIR=${MEDPRUNER_PACKAGE_DIR}" -P "${CMAKE_SOURCE_DIR}/cmake/WritePackage.cmake"
    DEPENDS ${target} ${notices} "${CMAKE_SOURCE_DIR}/cmake/WritePackage.cmake" "${CMAKE_SOURCE_DIR}/cmake/ElfFacts.cmake"
    VERBATIM)
  add_custom_target(medpruner_package ALL DEPENDS "${stamp}")
endfunction()
