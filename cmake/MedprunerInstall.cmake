# cmake --install: the library, its headers, find_package(medpruner) and pkg-config's medpruner.pc, all relocatable.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

function(medpruner_install target)
  set(package "${CMAKE_INSTALL_LIBDIR}/cmake/medpruner")
  install(
    TARGETS ${target}
    EXPORT medpruner
    COMPONENT development
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    INCLUDES
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/native/include/medpruner" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
          COMPONENT development)
  install(FILES "${CMAKE_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/medpruner"
          COMPONENT development)
  install(EXPORT medpruner NAMESPACE medpruner:: FILE medpruner-targets.cmake DESTINATION "${package}"
          COMPONENT development)

  configure_package_config_file("${CMAKE_SOURCE_DIR}/cmake/medpruner-config.cmake.in"
                                "${CMAKE_BINARY_DIR}/medpruner-config.cmake" INSTALL_DESTINATION "${package}")
  # The package's version is the release's; until 1.0 a minor release may change what is not the ABI.
  write_basic_package_version_file("${CMAKE_BINARY_DIR}/medpruner-config-version.cmake"
                                   COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_BINARY_DIR}/medpruner-config.cmake" "${CMAKE_BINARY_DIR}/medpruner-config-version.cmake"
          DESTINATION "${package}" COMPONENT development)

  # Relative to the file, so that the prefix may be moved.
  set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  file(RELATIVE_PATH MEDPRUNER_PC_PREFIX "/prefix/${pc_dir}" "/prefix")
  configure_file("${CMAKE_SOURCE_DIR}/cmake/medpruner.pc.in" "${CMAKE_BINARY_DIR}/medpruner.pc" @ONLY)
  install(FILES "${CMAKE_BINARY_DIR}/medpruner.pc" DESTINATION "${pc_dir}" COMPONENT development)
endfunction()
