# What every target of the house has in common: warnings, sanitizers, the include root.

# Most of a compiler's time goes to the same large headers: they are compiled once for each kind of
# target. Without them a source must include all that it uses (clang-tidy's view of the house), and
# ccache may serve what another clone has compiled.
option(HOLDFAST_PRECOMPILE "Precompile the headers that most sources read" ON)
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT HOLDFAST_PRECOMPILE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# Sources of one library or of one test program are compiled several at a time, so that the headers
# they share are read once, and their templates made once: half of the time of a whole build. An
# edited source compiles its neighbours; whoever minds configures with -DHOLDFAST_UNITY=OFF.
option(HOLDFAST_UNITY "Compile sources in batches" OFF)

# holdfast_unity(target SIZE): so many of its sources at a time.
function(holdfast_unity target size)
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD ${HOLDFAST_UNITY} UNITY_BUILD_BATCH_SIZE ${size}
    UNITY_BUILD_CODE_BEFORE_INCLUDE "// NOLINTNEXTLINE(bugprone-suspicious-include)")
  if(HOLDFAST_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # g++ takes a source that is included for a header, whose types others may see.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

add_library(holdfast_flags INTERFACE)
target_include_directories(holdfast_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(holdfast_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Werror -fno-omit-frame-pointer)
target_compile_definitions(holdfast_flags INTERFACE
  _FILE_OFFSET_BITS=64 HOLDFAST_VERSION="${PROJECT_VERSION}")
if(HOLDFAST_SANITIZE)
  target_compile_options(holdfast_flags INTERFACE
    -fsanitize=${HOLDFAST_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(holdfast_flags INTERFACE -fsanitize=${HOLDFAST_SANITIZE})
endif()

# The headers that most sources read.
set(holdfast_headers
  <algorithm> <array> <atomic> <charconv> <chrono> <filesystem> <functional> <map> <memory> <mutex>
  <optional> <set> <string> <string_view> <thread> <utility> <variant> <vector>
  <fmt/format.h> <boost/json.hpp>)
set(holdfast_header_libraries fmt::fmt Boost::json)

# holdfast_precompile(target OWNER): `target` reads the headers OWNER has precompiled. OWNER is an
# empty library with the flags of its kind: the product's sources, or the tests' (-O0), or those of
# tests of a whole archive, whose fixture reads half of the house.
function(holdfast_precompile target owner)
  if(NOT HOLDFAST_PRECOMPILE)
    return()
  endif()
  if(NOT TARGET ${owner})
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${owner}.cc CONTENT "// only the headers count\n")
    add_library(${owner} STATIC ${CMAKE_BINARY_DIR}/${owner}.cc)
    target_link_libraries(${owner} PRIVATE holdfast_flags ${holdfast_header_libraries})
    target_precompile_headers(${owner} PRIVATE ${holdfast_headers})
    if(NOT owner STREQUAL holdfast_product_headers)
      target_compile_options(${owner} PRIVATE -O0)
      target_compile_definitions(${owner} PRIVATE BOOST_TEST_DYN_LINK)
      target_link_libraries(${owner} PRIVATE Boost::unit_test_framework)
      target_precompile_headers(${owner} PRIVATE <boost/test/unit_test.hpp>)
    endif()
    if(owner STREQUAL holdfast_archive_test_headers)
      target_link_libraries(${owner} PRIVATE daemon_work)
      target_precompile_headers(${owner} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/archive_fixture.h)
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM ${owner})
  # The definitions of both must agree.
  target_link_libraries(${target} PRIVATE ${holdfast_header_libraries})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # From precompiled headers g++ 12 forgets what is a system header, and warns of its own strings.
    target_compile_options(${target} PRIVATE
      -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endfunction()

# holdfast_library(name SOURCES a.cc ... DEPENDS other ...)
function(holdfast_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC holdfast_flags ${ARG_DEPENDS})
  holdfast_unity(${name} 8)
  holdfast_precompile(${name} holdfast_product_headers)
endfunction()

# holdfast_program(name SOURCES main.cc ... DEPENDS library ...)
function(holdfast_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE holdfast_flags ${ARG_DEPENDS})
  holdfast_precompile(${name} holdfast_product_headers)
endfunction()

# holdfast_test(name SOURCES a_test.cc ... DEPENDS library ...) builds one Boost.Test
# program and registers it with ctest. LABELS concurrent marks what ThreadSanitizer runs too.
function(holdfast_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/support/test_main.cc)
  target_compile_definitions(${name} PRIVATE BOOST_TEST_DYN_LINK)
  target_compile_options(${name} PRIVATE -O0)
  target_link_libraries(${name} PRIVATE holdfast_flags ${ARG_DEPENDS} Boost::unit_test_framework)
  holdfast_unity(${name} 5)
  # test_main.cc defines Boost.Test's module name before its header.
  set_source_files_properties(${CMAKE_SOURCE_DIR}/tests/support/test_main.cc
    PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  if(daemon_work IN_LIST ARG_DEPENDS)
    holdfast_precompile(${name} holdfast_archive_test_headers)
  else()
    holdfast_precompile(${name} holdfast_test_headers)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    SKIP_RETURN_CODE 77)
endfunction()
