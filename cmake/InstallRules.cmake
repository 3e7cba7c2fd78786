# `cmake --install` puts the program, the libraries, the headers and a package file in place, so that
#   find_package(zsr) + target_link_libraries(app PRIVATE zsr::zssr)
# works from another project (tests/install proves it).
include(CMakePackageConfigHelpers)

get_property(zsr_targets GLOBAL PROPERTY ZSR_INSTALL_TARGETS)
install(TARGETS zsr RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${zsr_targets} EXPORT zsrTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(folder core degradations dip kernelgan networks srmd zssr datasets training)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/zsr FILES_MATCHING PATTERN "*.h")
endforeach()

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/zsr)
install(EXPORT zsrTargets NAMESPACE zsr:: DESTINATION ${config_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/zsrConfig.cmake.in
  ${PROJECT_BINARY_DIR}/zsrConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/zsrConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/zsrConfig.cmake ${PROJECT_BINARY_DIR}/zsrConfigVersion.cmake
  DESTINATION ${config_dir})
