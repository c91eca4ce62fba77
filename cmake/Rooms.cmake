# bellhop_room(<name> [ROOMS <lower rooms>] [LIBS <libraries>])
#   One library per room from all sources in src/<name>; *_test.cpp become the program <name>_test, which ctest runs.
#   *_bench.cpp become <name>_bench, built on demand only.
#   A new file needs no line here. What a room may include is checked by tools/floors.
function(bellhop_room name)
  cmake_parse_arguments(ROOM "" "" "ROOMS;LIBS;TEST_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(NOT BELLHOP_ALL_ROOMS)  # tests that were written on a machine too busy to compile them
    list(FILTER tests EXCLUDE REGEX "sip/(message|framing|lines|header|method|status|captures|edits|builder)_test\\.cpp$")
  endif()
  set(benches ${sources})
  list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cpp$|/main\\.cpp$")
  list(TRANSFORM ROOM_ROOMS PREPEND room_ OUTPUT_VARIABLE rooms)
  if(sources)
    add_library(room_${name} STATIC ${sources})
    target_link_libraries(room_${name} PUBLIC bellhop_flags ${rooms} ${ROOM_LIBS} PRIVATE Threads::Threads)
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
  if(benches AND BELLHOP_ALL_ROOMS)
    add_executable(${name}_bench EXCLUDE_FROM_ALL ${benches})
    target_link_libraries(${name}_bench PRIVATE room_${name} lib::jemalloc)
  endif()
endfunction()

# What every test program needs.
function(bellhop_test_program target)
  target_link_libraries(${target} PRIVATE GTest::gmock GTest::gtest_main Threads::Threads)
  # Test bodies are large and run once: optimizing them costs more than it saves. What they test keeps its flags.
  target_compile_options(${target} PRIVATE -Wno-conversion -Wno-shadow -O0 -g0)
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
