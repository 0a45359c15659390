# Compile rules shared by the library and its tests.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

# Results are bit-exact by contract: an a*b+c must never become one fused operation on its own, and
# nothing that rounds differently (fast-math, FTZ, -march=native) is ever passed. The last two only
# free the compiler from errno and floating-point traps, which the library does not use.
set(MEDPRUNER_CXX_OPTIONS -Wall -Wextra -Wshadow -Wno-psabi -ffp-contract=off -fno-math-errno
                          -fno-trapping-math)

set(MEDPRUNER_SANITIZE_OPTIONS)
if(MEDPRUNER_SANITIZE)
  set(MEDPRUNER_SANITIZE_OPTIONS -fsanitize=address,undefined -fno-sanitize-recover=all
                                 -fno-omit-frame-pointer -g -O1)
endif()

# "linux-x86_64", as in META-INF/native/<platform> of the natives jar.
string(TOLOWER "${CMAKE_SYSTEM_NAME}" medpruner_os)
string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" medpruner_arch)
if(medpruner_arch STREQUAL "amd64")
  set(medpruner_arch x86_64)
elseif(medpruner_arch STREQUAL "arm64")
  set(medpruner_arch aarch64)
endif()
set(MEDPRUNER_PLATFORM "${medpruner_os}-${medpruner_arch}")
