# What an ELF library asks of the system and offers to callers, as readelf tells it. Unlike nm, it reads every
# architecture.

function(elf_read readelf library out)
  execute_process(COMMAND "${CMAKE_COMMAND}" -E env LC_ALL=C "${readelf}" --wide ${ARGN} "${library}"
                  OUTPUT_VARIABLE text ERROR_VARIABLE errors RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${readelf} failed on ${library}: ${failed} ${errors}")
  endif()
  string(REPLACE "[" "<" text "${text}") # brackets would keep CMake from splitting lists
  string(REPLACE "]" ">" text "${text}")
  string(REPLACE ";" "," text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# The libraries it is linked against, sorted.
function(elf_needed readelf library out)
  elf_read("${readelf}" "${library}" text --dynamic)
  string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*" lines "${text}")
  set(found)
  foreach(line IN LISTS lines)
    string(REGEX REPLACE ".*<(.*)>.*" "\\1" name "${line}")
    list(APPEND found "${name}")
  endforeach()
  list(SORT found)
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# The newest version of a glibc symbol it refers to, "2.35": the oldest glibc it loads with.
function(elf_glibc readelf library out)
  elf_read("${readelf}" "${library}" text --version-info)
  string(REGEX MATCHALL "GLIBC_[0-9]+(\\.[0-9]+)+" versions "${text}")
  set(newest 0)
  foreach(version IN LISTS versions)
    string(REPLACE "GLIBC_" "" version "${version}")
    if(version VERSION_GREATER newest)
      set(newest "${version}")
    endif()
  endforeach()
  set(${out} "${newest}" PARENT_SCOPE)
endfunction()

# "true" or "false": whether it holds device code, which is what a CUDA backend is made of and nothing else has.
function(elf_cuda readelf library out)
  elf_read("${readelf}" "${library}" text --section-headers)
  set(cuda false)
  if(text MATCHES " \\.nv_fatbin ")
    set(cuda true)
  endif()
  set(${out} "${cuda}" PARENT_SCOPE)
endfunction()

# The symbols it exports, sorted, without versions.
function(elf_exports readelf library out)
  elf_read("${readelf}" "${library}" text --dyn-syms)
  string(REGEX MATCHALL "[^\n]+" lines "${text}")
  set(found)
  foreach(line IN LISTS lines)
    #      1: 0000000000022f40    42 FUNC    GLOBAL DEFAULT   13 medpruner_alloc
    if(line MATCHES "^ *[0-9]+: +[0-9a-f]+ +[0-9a-fx]+ +[A-Z_0-9]+ +(GLOBAL|WEAK|UNIQUE) +[A-Z]+ +(<[^>]*> +)?([0-9]+|ABS|COM) +([^ @]+)")
      list(APPEND found "${CMAKE_MATCH_4}")
    endif()
  endforeach()
  list(SORT found)
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# The version of the interface that a version.h declares, "1.3".
function(header_abi version_header out)
  file(READ "${version_header}" text)
  set(numbers)
  foreach(part MAJOR MINOR)
    if(NOT text MATCHES "#define MEDPRUNER_ABI_${part} ([0-9]+)")
      message(FATAL_ERROR "${version_header} defines no MEDPRUNER_ABI_${part}")
    endif()
    list(APPEND numbers "${CMAKE_MATCH_1}")
  endforeach()
  list(JOIN numbers "." abi)
  set(${out} "${abi}" PARENT_SCOPE)
endfunction()
