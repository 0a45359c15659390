# cmake -DSOURCE_DIR= -DBUILD_DIR= [-DTARGET=medpruner_package] [-DOPTIONS=-Dx=y,-Dz=w] -P BuildNatives.cmake
# Configures when needed and builds the library and its package folder. Called by java/natives and
# java/onnxruntime; the build folder is the one the native tests use, so that nothing is compiled twice.

if(NOT TARGET)
  set(TARGET medpruner_package)
endif()

set(configure "${CMAKE_COMMAND}" -S "${SOURCE_DIR}" -B "${BUILD_DIR}")
if(NOT EXISTS "${BUILD_DIR}/CMakeCache.txt")
  find_program(ninja NAMES ninja ninja-build)
  if(ninja)
    list(APPEND configure -G Ninja)
  endif()
endif()
if(OPTIONS)
  string(REPLACE "," ";" options "${OPTIONS}")
  list(APPEND configure ${options})
endif()
execute_process(COMMAND ${configure} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "configuring the native library failed")
endif()

cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD_DIR}" --target ${TARGET}
                        --parallel ${cores} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "building the native library failed")
endif()
