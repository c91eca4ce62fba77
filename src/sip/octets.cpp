#include "sip/octets.hpp"

#include "sip/wide_octets.hpp"

namespace bellhop::sip::octets {

#ifdef __x86_64__
const bool has_wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#else
const bool has_wide = false;
#endif

BlockBits controls_in_block(const char* at) {
#ifdef __x86_64__
  if (has_wide) return wide_controls_in_block(at);
#endif
  return controls_by_sixteen(at);
}

BlockBits delimiters_in_block(const char* at) {
#ifdef __x86_64__
  if (has_wide) return wide_delimiters_in_block(at);
#endif
  return delimiters_by_sixteen(at);
}

namespace {

template <BlockBits in_block(const char*)>
BlockBits in_next_block(std::string_view around, const char* at) {
  const char* const end = around.data() + around.size();
  const std::ptrdiff_t left = end - at;
  if (left >= std::ptrdiff_t{block}) [[likely]]
    return in_block(at);
  if (left == 0) return 0;
  if (around.size() >= block) return in_block(end - block) >> (std::ptrdiff_t{block} - left);
  char copy[block] = {};
  std::memcpy(copy, at, static_cast<std::size_t>(left));
  return in_block(copy);
}

}  // namespace

BlockBits next_controls(std::string_view around, const char* at, const char* end) {
  return before(end, at, in_next_block<controls_in_block>(around, at));
}

BlockBits next_delimiters(std::string_view around, const char* at, const char* end) {
  return before(end, at, in_next_block<delimiters_in_block>(around, at));
}

}  // namespace bellhop::sip::octets
