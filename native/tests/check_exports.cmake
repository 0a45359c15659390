# cmake -DLIBRARY= -DREADELF= -DEXPECTED= [-DMAX_GLIBC=] [-DALSO_NEEDED=libx] -P check_exports.cmake
# The exported symbols are the lines of EXPECTED, and nothing is needed but ALSO_NEEDED and the C library, of version
# MAX_GLIBC where that is given. Says what was found.

include("${CMAKE_CURRENT_LIST_DIR}/../../cmake/ElfFacts.cmake")

elf_exports("${READELF}" "${LIBRARY}" found)
file(STRINGS "${EXPECTED}" expected)
list(SORT expected)
if(NOT found STREQUAL expected)
  set(extra ${found})
  list(REMOVE_ITEM extra ${expected})
  set(missing ${expected})
  list(REMOVE_ITEM missing ${found})
  message(FATAL_ERROR "exported symbols differ from ${EXPECTED}: extra [${extra}], missing [${missing}]")
endif()

set(allowed "libc|libm|libdl|libpthread|librt|ld-linux[a-z0-9-]*")
if(ALSO_NEEDED)
  string(APPEND allowed "|${ALSO_NEEDED}")
endif()
elf_needed("${READELF}" "${LIBRARY}" needed)
foreach(entry IN LISTS needed)
  if(NOT entry MATCHES "^(${allowed})\\.so")
    message(FATAL_ERROR "the library needs more than the C library: ${entry}")
  endif()
endforeach()

elf_glibc("${READELF}" "${LIBRARY}" glibc)
if(MAX_GLIBC AND glibc VERSION_GREATER MAX_GLIBC)
  message(FATAL_ERROR "the library needs glibc ${glibc}, and a release may need ${MAX_GLIBC} at most: build on an older system")
endif()
list(LENGTH found count)
list(JOIN needed " " needed)
message(STATUS "${count} exported symbols as listed; needs ${needed}, glibc ${glibc} or newer")
