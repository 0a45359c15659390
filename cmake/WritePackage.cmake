# cmake -DLIBRARY= -DNAME= -DCUDA= -DVERSION_HEADER= -DSTRIP= -DREADELF= -DNOTICES= -DOUTPUT_DIR=
#       -DPROPERTIES= -P WritePackage.cmake
# Copies the library without its local symbols, which name temporary files of the compiler, and without the build id,
# which depends on them, so that the same sources give the same bytes. Writes PROPERTIES beside it:
#   file, sha256, size   the library, its hash and its bytes
#   abi                  major.minor of its interface
#   cuda                 whether it has the CUDA backend, with NVIDIA's runtime in it
#   glibc                the oldest glibc it loads with

include("${CMAKE_CURRENT_LIST_DIR}/ElfFacts.cmake")

cmake_path(SET above NORMALIZE "${OUTPUT_DIR}/../..")
file(COPY ${NOTICES} DESTINATION "${above}")
file(REMOVE_RECURSE "${OUTPUT_DIR}") # a library of another ABI would stay beside this one
file(MAKE_DIRECTORY "${OUTPUT_DIR}")
set(library "${OUTPUT_DIR}/${NAME}")
execute_process(COMMAND "${STRIP}" --strip-unneeded --remove-section=.note.gnu.build-id -o "${library}" "${LIBRARY}"
                COMMAND_ERROR_IS_FATAL ANY)
file(SHA256 "${library}" sha256)
file(SIZE "${library}" size)
elf_glibc("${READELF}" "${library}" glibc)
header_abi("${VERSION_HEADER}" abi)
file(WRITE "${OUTPUT_DIR}/${PROPERTIES}"
     "file=${NAME}\nsha256=${sha256}\nsize=${size}\nabi=${abi}\ncuda=${CUDA}\nglibc=${glibc}\n")
