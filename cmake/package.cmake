# What is installed, and the Debian package made of it: `scripts/package`.
#
# Paths are Debian's. Units and maintainer scripts are in systemd/ and packaging/; pages of the
# manual and completions are made from the programs themselves and from docs/ (target package_files).
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(package_dir ${CMAKE_BINARY_DIR}/package_files)
set(doc_dir share/doc/holdfast)

# --- The manual and the completions

file(GLOB package_pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.md)
set(markdown_to_man ${CMAKE_SOURCE_DIR}/packaging/markdown-to-man)
add_custom_command(
  OUTPUT ${package_dir}/made
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${package_dir}
  COMMAND ${CMAKE_COMMAND} -E make_directory
    ${package_dir}/man1 ${package_dir}/man5 ${package_dir}/man8
  COMMAND holdfast manual ${package_dir}/man1
  COMMAND holdfast completion bash > ${package_dir}/holdfast.bash
  COMMAND holdfast completion zsh > ${package_dir}/_holdfast
  COMMAND ${markdown_to_man} holdfastd 8 "archive of recorded calls, the daemon"
    ${PROJECT_VERSION} ${CMAKE_SOURCE_DIR}/docs/daemon.md > ${package_dir}/man8/holdfastd.8
  COMMAND ${markdown_to_man} holdfast-fuse 8 "read-only view of a Holdfast archive"
    ${PROJECT_VERSION} ${CMAKE_SOURCE_DIR}/docs/mount.md > ${package_dir}/man8/holdfast-fuse.8
  COMMAND ${markdown_to_man} holdfast.toml 5 "configuration of holdfastd"
    ${PROJECT_VERSION} ${CMAKE_SOURCE_DIR}/docs/configuration.md > ${package_dir}/man5/holdfast.toml.5
  COMMAND ${CMAKE_SOURCE_DIR}/packaging/debian/changelog ${PROJECT_VERSION} > ${package_dir}/changelog
  COMMAND sh -c "gzip -9n \"$@\"" gzip ${package_dir}/changelog
  COMMAND sh -c "find \"$1\" -name '*.[158]' -exec gzip -9nk {} +" find ${package_dir}
  COMMAND ${CMAKE_COMMAND} -E touch ${package_dir}/made
  DEPENDS holdfast ${markdown_to_man} ${package_pages}
    ${CMAKE_SOURCE_DIR}/packaging/debian/changelog
  VERBATIM
  COMMENT "Making the manual and the completions")
add_custom_target(package_files DEPENDS ${package_dir}/made)

# --- What goes where

install(TARGETS holdfast holdfast-fuse RUNTIME DESTINATION bin)
install(TARGETS holdfastd RUNTIME DESTINATION sbin)
install(FILES systemd/holdfastd.service systemd/holdfastd.socket systemd/holdfast-mount.service
  DESTINATION /lib/systemd/system)
install(PROGRAMS systemd/holdfast-media-generator DESTINATION /lib/systemd/system-generators)
install(FILES systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME holdfast.conf)
install(FILES systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME holdfast.conf)
install(FILES systemd/holdfast.toml DESTINATION /etc/holdfast)
install(DIRECTORY DESTINATION /etc/holdfast/credentials
  DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
install(FILES ${package_dir}/holdfast.bash
  DESTINATION share/bash-completion/completions RENAME holdfast)
install(FILES ${package_dir}/_holdfast DESTINATION share/zsh/vendor-completions)
foreach(section 1 5 8)
  install(DIRECTORY ${package_dir}/man${section}/ DESTINATION share/man/man${section}
    FILES_MATCHING PATTERN "*.gz")
endforeach()
install(FILES README.md CHANGELOG.md ${package_pages} DESTINATION ${doc_dir})
install(FILES packaging/debian/copyright ${package_dir}/changelog.gz DESTINATION ${doc_dir})
install(DIRECTORY packaging/examples/ DESTINATION ${doc_dir}/examples)
install(FILES systemd/holdfast-alerts.yml systemd/grafana-dashboard.json
  DESTINATION ${doc_dir}/examples)
install(FILES packaging/debian/lintian-overrides DESTINATION share/lintian/overrides RENAME holdfast)

# --- The package

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME holdfast)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_VENDOR Holdfast)
set(CPACK_PACKAGE_CONTACT "Holdfast <holdfast@example.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "self-hosted archive of recorded calls")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "Keeps recorded calls for as long as the law wants: on an SSD for days, in
packs on hard disks for weeks, in an offline vault for years. They are found,
played, asked back, put on legal hold, destroyed when they must be, and proven,
by an HTTP API, a command line and a read-only mount.")
# The libraries are found by dpkg-shlibdeps.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd (>= 252), fuse3")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/packaging/debian/conffiles
  ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
  ${CMAKE_SOURCE_DIR}/packaging/debian/prerm
  ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
