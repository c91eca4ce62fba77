# bellhop_room(<name> [ROOMS <lower rooms>] [LIBS <libraries>])
#   One library per room from all sources in src/<name>; *_test.cpp become the program <name>_test, which ctest runs.
#   A new file needs no line here. What a room may include is checked by tools/floors.
set(heavy_headers <algorithm> <array> <atomic> <chrono> <cstring> <deque> <functional> <map> <memory> <mutex> <optional> <span> <string>
  <string_view> <utility> <variant> <vector> <fmt/format.h> <tl/expected.hpp> <boost/unordered/unordered_flat_map.hpp>)

# Two precompiled headers, one for rooms and one for tests: reading the standard library is most of what a file costs.
function(bellhop_headers target)
  file(WRITE ${CMAKE_BINARY_DIR}/${target}.cpp "int main() {}\n")
  add_executable(${target} EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/${target}.cpp)
  target_link_libraries(${target} PRIVATE bellhop_flags Threads::Threads)
  target_precompile_headers(${target} PRIVATE ${heavy_headers} ${ARGN})
endfunction()
bellhop_headers(room_headers)
bellhop_headers(test_headers <gmock/gmock.h> <gtest/gtest.h>)
target_link_libraries(test_headers PRIVATE GTest::gmock)

function(bellhop_room name)
  cmake_parse_arguments(ROOM "" "" "ROOMS;LIBS;TEST_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cpp$|/main\\.cpp$")
  list(TRANSFORM ROOM_ROOMS PREPEND room_ OUTPUT_VARIABLE rooms)
  if(sources)
    add_library(room_${name} STATIC ${sources})
    target_link_libraries(room_${name} PUBLIC bellhop_flags ${rooms} ${ROOM_LIBS} PRIVATE Threads::Threads)
    target_precompile_headers(room_${name} REUSE_FROM room_headers)
  else()
    add_library(room_${name} INTERFACE)
    target_link_libraries(room_${name} INTERFACE bellhop_flags ${rooms} ${ROOM_LIBS})
  endif()
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE room_${name} ${ROOM_TEST_LIBS})
    bellhop_test_program(${name}_test)
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
endfunction()

# What every test program needs.
function(bellhop_test_program target)
  target_link_libraries(${target} PRIVATE bellhop_flags GTest::gmock GTest::gtest_main Threads::Threads)
  target_compile_options(${target} PRIVATE -Wno-conversion -Wno-shadow)
  target_precompile_headers(${target} REUSE_FROM test_headers)
endfunction()

# bellhop_fuzzer(<name> ROOMS <rooms>): fuzz/<name>.cpp with its seeds in fuzz/seeds/<name>; one second of it is a ctest.
function(bellhop_fuzzer name)
  cmake_parse_arguments(FUZZ "" "" "ROOMS;LIBS" ${ARGN})
  list(TRANSFORM FUZZ_ROOMS PREPEND room_ OUTPUT_VARIABLE rooms)
  add_executable(fuzz_${name} ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp)
  target_link_libraries(fuzz_${name} PRIVATE bellhop_flags ${rooms} ${FUZZ_LIBS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/corpus/${name})
  add_test(NAME fuzz_${name} COMMAND fuzz_${name} -max_total_time=1 -timeout=5 -rss_limit_mb=2048 -verbosity=0
    ${CMAKE_BINARY_DIR}/corpus/${name} ${CMAKE_CURRENT_SOURCE_DIR}/seeds/${name})
endfunction()
