# What every target of the house has in common: warnings, sanitizers, the include root.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

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

# holdfast_library(name SOURCES a.cc ... DEPENDS other ...)
function(holdfast_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC holdfast_flags ${ARG_DEPENDS})
endfunction()

# holdfast_program(name SOURCES main.cc ... DEPENDS library ...)
function(holdfast_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE holdfast_flags ${ARG_DEPENDS})
endfunction()

# holdfast_test(name SOURCES a_test.cc ... DEPENDS library ...) builds one Boost.Test
# program and registers it with ctest. LABELS concurrent marks what ThreadSanitizer runs too.
function(holdfast_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/support/test_main.cc)
  target_compile_definitions(${name} PRIVATE BOOST_TEST_DYN_LINK)
  target_compile_options(${name} PRIVATE -O0)
  target_link_libraries(${name} PRIVATE holdfast_flags ${ARG_DEPENDS} Boost::unit_test_framework)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    SKIP_RETURN_CODE 77)
endfunction()
