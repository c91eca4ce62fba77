# Compiler, linker, sanitizers. Every target of the tree gets these through the interface library `bellhop_flags`.
option(BELLHOP_FUZZ "build the libFuzzer targets (clang only)" OFF)
option(BELLHOP_COVERAGE "instrument for gcovr" OFF)
set(BELLHOP_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them (address,undefined or thread)")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(bellhop_flags INTERFACE)
target_include_directories(bellhop_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(bellhop_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Werror -fno-omit-frame-pointer -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ 12 reports these wrongly inside libstdc++ and tl::expected once it has inlined enough.
  target_compile_options(bellhop_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-array-bounds -Wno-stringop-overread -Wno-dangling-pointer)
  # A structure is cleared by plain stores or by memset(3), never by "rep stos", which takes three times as long for some 200 octets.
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
    target_compile_options(bellhop_flags INTERFACE -mmemset-strategy=libcall:-1:noalign)
  endif()
endif()

if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(bellhop_flags INTERFACE -Wno-deprecated-declarations)  # stable_sort of libstdc++ 12 uses get_temporary_buffer
endif()

find_program(MOLD mold)
if(MOLD)
  target_link_options(bellhop_flags INTERFACE -fuse-ld=mold)
endif()
if(BELLHOP_SANITIZE)
  target_compile_options(bellhop_flags INTERFACE -fsanitize=${BELLHOP_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(bellhop_flags INTERFACE -fsanitize=${BELLHOP_SANITIZE})
endif()
if(BELLHOP_FUZZ)
  target_compile_options(bellhop_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(BELLHOP_COVERAGE)
  target_compile_options(bellhop_flags INTERFACE --coverage)
  target_link_options(bellhop_flags INTERFACE --coverage)
endif()
