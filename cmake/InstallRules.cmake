# `cmake --install` puts the program, the libraries, the headers and a package file in place, so that
#   find_package(zsr) + target_link_libraries(app PRIVATE zsr::zssr)
# works from another project (tests/install proves it).
include(CMakePackageConfigHelpers)
include(PublicHeaders)

get_property(zsr_targets GLOBAL PROPERTY ZSR_INSTALL_TARGETS)
install(TARGETS zsr RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(TARGETS zsr-core RUNTIME DESTINATION lib/zsr COMPONENT program)
install(DIRECTORY ${PROJECT_BINARY_DIR}/documentation/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${PROJECT_BINARY_DIR}/documentation/completions/zsr.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME zsr COMPONENT program)
install(FILES ${PROJECT_BINARY_DIR}/documentation/completions/_zsr
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT program)
install(FILES ${PROJECT_BINARY_DIR}/documentation/completions/zsr.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT program)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT program)
install(TARGETS ${zsr_targets} EXPORT zsrTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
zsr_with_included_headers(headers "${zsr_public_headers}")
foreach(header ${headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/zsr/${folder})
endforeach()

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/zsr)
install(EXPORT zsrTargets NAMESPACE zsr:: DESTINATION ${config_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/zsrConfig.cmake.in
  ${PROJECT_BINARY_DIR}/zsrConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/zsrConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/zsrConfig.cmake ${PROJECT_BINARY_DIR}/zsrConfigVersion.cmake
  DESTINATION ${config_dir})

# `cpack -G DEB` in the build folder: the program with its manual pages and completions; what it depends on is read from
# the libraries that it was linked with.
set(CPACK_PACKAGE_NAME zsr)
set(CPACK_PACKAGE_VENDOR "the zsr project")
set(CPACK_PACKAGE_CONTACT "the zsr project <zsr@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "zero-shot and real-world image super-resolution")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};zsr;program;/")
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL OFF)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libopenblas0-openmp")
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
include(CPack)
