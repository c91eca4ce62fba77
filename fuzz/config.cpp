#include <cstdlib>

#include "config/loader.hpp"

/// Any text is either a snapshot, which then needs no restart over itself, or a list of faults that can be printed.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace bellhop::config;
  const auto result = load_text({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (result) {
    if (!restart_needed(**result, **result).empty()) std::abort();
    (void)(*result)->domain_of("Example.Test");
    (void)(*result)->domain_of("[::1]");
  } else {
    if (result.error().empty()) std::abort();
    for (const Fault& fault : result.error())
      if (fault.to_string().empty() || fault.message.empty()) std::abort();
  }
  return 0;
}
