# cmake -DLIBRARY= -DCUDA= -DVERSION_HEADER= -DOUTPUT_DIR= -P WritePackage.cmake
# Copies the library and writes natives.properties (file, sha256, abi, cuda) beside it.

file(READ "${VERSION_HEADER}" header)
foreach(part MAJOR MINOR)
  if(NOT header MATCHES "#define MEDPRUNER_ABI_${part} ([0-9]+)")
    message(FATAL_ERROR "${VERSION_HEADER} defines no MEDPRUNER_ABI_${part}")
  endif()
  set(abi_${part} "${CMAKE_MATCH_1}")
endforeach()

get_filename_component(name "${LIBRARY}" NAME)
file(MAKE_DIRECTORY "${OUTPUT_DIR}")
file(COPY "${LIBRARY}" DESTINATION "${OUTPUT_DIR}")
file(SHA256 "${OUTPUT_DIR}/${name}" sha256)
file(WRITE "${OUTPUT_DIR}/natives.properties"
     "file=${name}\nsha256=${sha256}\nabi=${abi_MAJOR}.${abi_MINOR}\ncuda=${CUDA}\n")
