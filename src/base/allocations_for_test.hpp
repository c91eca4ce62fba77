#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

// Counts the heap allocations of a whole test program. Replaces the global operator new, so exactly one source file of
// a program includes this.

namespace bellhop {

inline thread_local std::size_t allocations_made = 0;  ///< by this thread

/// Heap allocations of `act`, run once before to warm what is reused.
template <class Act>
std::size_t allocations_of(Act&& act) {
  act();
  const std::size_t before = allocations_made;
  act();
  return allocations_made - before;
}

namespace detail {
inline void* counted_or_null(std::size_t size) noexcept {
  ++allocations_made;
  return std::malloc(size == 0 ? 1 : size);
}
inline void* counted_allocation(std::size_t size) {
  if (void* memory = counted_or_null(size)) return memory;
  throw std::bad_alloc();
}
}  // namespace detail

}  // namespace bellhop

void* operator new(std::size_t size) {
  return bellhop::detail::counted_allocation(size);
}
void* operator new[](std::size_t size) {
  return bellhop::detail::counted_allocation(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // what std::stable_sort takes its room with
  return bellhop::detail::counted_or_null(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return bellhop::detail::counted_or_null(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
