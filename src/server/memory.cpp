#include "server/memory.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>

// jemalloc is linked into the daemon only; under sanitizers and in tests the C library answers.
extern "C" {
[[gnu::weak]] int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value, size_t new_size);
}

namespace bellhop::server {

namespace {

std::int64_t in_use() {
  if (mallctl == nullptr) return static_cast<std::int64_t>(::mallinfo2().uordblks + ::mallinfo2().hblkhd);
  std::uint64_t epoch = 1;  // jemalloc refreshes its figures when the epoch is written
  std::size_t size = sizeof epoch;
  mallctl("epoch", &epoch, &size, &epoch, size);
  std::size_t allocated = 0;
  size = sizeof allocated;
  return mallctl("stats.allocated", &allocated, &size, nullptr, 0) == 0 ? static_cast<std::int64_t>(allocated) : 0;
}

std::int64_t resident() {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen("/proc/self/statm", "r"));
  long total = 0, pages = 0;
  if (!file || std::fscanf(file.get(), "%ld %ld", &total, &pages) != 2) return 0;
  return static_cast<std::int64_t>(pages) * ::sysconf(_SC_PAGESIZE);
}

std::int64_t peak() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

void add_memory_gauges(observe::Metrics& metrics) {
  metrics.computed("memory.in_use_bytes", in_use);
  metrics.computed("memory.resident_bytes", resident);
  metrics.computed("memory.peak_bytes", peak);
}

}  // namespace bellhop::server
