# Decides whether the CUDA backend is built: sets MEDPRUNER_HAS_CUDA and, with it, the CUDA language;
# MEDPRUNER_HAS_WARPGROUPS where Hopper is among the architectures, whose own instructions some kernels have.

set(MEDPRUNER_HAS_CUDA OFF)
set(MEDPRUNER_HAS_WARPGROUPS OFF)
if(NOT MEDPRUNER_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "MEDPRUNER_CUDA is \"${MEDPRUNER_CUDA}\", expected AUTO, ON or OFF")
endif()
if(NOT MEDPRUNER_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_COMPILER)
    unset(CMAKE_CUDA_COMPILER CACHE) # which check_language would keep: a toolkit may have been installed since
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(MEDPRUNER_HAS_CUDA ON)
  elseif(MEDPRUNER_CUDA STREQUAL "ON")
    message(FATAL_ERROR "MEDPRUNER_CUDA=ON, but no working CUDA compiler was found: put nvcc on the "
                        "PATH, set CUDACXX or CMAKE_CUDA_COMPILER, or pass -DMEDPRUNER_CUDA=OFF")
  endif()
endif()

if(MEDPRUNER_HAS_CUDA)
  # Machine code per architecture, PTX for the newest alone, so that later GPUs can still run it.
  set(medpruner_compression)
  if(MEDPRUNER_CUDA_ARCHS STREQUAL "RELEASE")
    # Turing to Blackwell; 87 and 101 to 110 are embedded boards, which no linux-x86_64 library meets.
    set(medpruner_archs 75 80 86 89 90 100 120)
    set(medpruner_compression --compress-mode=size) # the driver unpacks what it loads
  else()
    set(medpruner_archs ${MEDPRUNER_CUDA_ARCHS})
  endif()
  list(SORT medpruner_archs COMPARE NATURAL)
  list(JOIN medpruner_archs "," MEDPRUNER_ARCH_TEXT)
  if(90 IN_LIST medpruner_archs)
    set(MEDPRUNER_HAS_WARPGROUPS ON)
  endif()
  list(GET medpruner_archs -1 medpruner_newest)
  list(REMOVE_AT medpruner_archs -1)
  list(TRANSFORM medpruner_archs APPEND "-real")
  set(CMAKE_CUDA_ARCHITECTURES ${medpruner_archs} ${medpruner_newest})
  enable_language(CUDA)
  # CMake 3.25 knows no later standard for this compiler.
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  set(CMAKE_CUDA_EXTENSIONS OFF)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
  set(MEDPRUNER_CUDA_OPTIONS -fmad=false "-Xcompiler=-ffp-contract=off,-Wall" ${medpruner_compression})
endif()
message(STATUS "MedPruner: CUDA backend ${MEDPRUNER_HAS_CUDA}, platform ${MEDPRUNER_PLATFORM}")
