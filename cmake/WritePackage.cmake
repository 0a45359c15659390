# cmake -DLIBRARY= -DNAME= -DCUDA= -DVERSION_HEADER= -DOUTPUT_DIR= -P WritePackage.cmake
# Copies the library and writes natives.properties (file, sha256, abi, cuda) beside it.

file(READ "${VERSION_HEADER}" header)
foreach(part MAJOR MINOR)
  if(NOT header MATCHES "#define MEDPRUNER_ABI_${part} ([0-9]+)")
    message(FATAL_ERROR "${VERSION_HEADER} defines no MEDPRUNER_ABI_${part}")
  endif()
  set(abi_${part} "${CMAKE_MATCH_1}")
endforeach()

file(REMOVE_RECURSE "${OUTPUT_DIR}") # a library of another ABI would stay beside this one
file(MAKE_DIRECTORY "${OUTPUT_DIR}")
file(COPY_FILE "${LIBRARY}" "${OUTPUT_DIR}/${NAME}")
file(SHA256 "${OUTPUT_DIR}/${NAME}" sha256)
file(WRITE "${OUTPUT_DIR}/natives.properties"
     "file=${NAME}\nsha256=${sha256}\nabi=${abi_MAJOR}.${abi_MINOR}\ncuda=${CUDA}\n")
