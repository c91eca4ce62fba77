#include "sip/method.hpp"

#include <array>
#include <cstddef>

#include "base/same_octets.hpp"

namespace bellhop::sip {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Method::other)> names{
    "INVITE",    "ACK",    "BYE",     "CANCEL", "REGISTER", "OPTIONS", "PRACK",
    "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO",   "REFER",    "MESSAGE", "UPDATE",
};

constexpr std::size_t slots = 32;

// The factor was found by trial: the index does not compile when two methods share a slot.
constexpr std::size_t slot_of(std::string_view token) {
  return (static_cast<unsigned char>(token[0]) + 11 * token.size()) % slots;
}

constexpr std::array<Method, slots> make_index() {
  std::array<Method, slots> index{};
  index.fill(Method::other);
  for (std::size_t i = 0; i < names.size(); ++i) {
    Method& slot = index[slot_of(names[i])];
    if (slot != Method::other) throw "two methods share a slot: choose another factor in slot_of()";
    slot = static_cast<Method>(i);
  }
  return index;
}
constexpr std::array<Method, slots> index_of_names = make_index();

}  // namespace

Method method_from(std::string_view token) {
  if (token.empty()) return Method::other;
  const Method method = index_of_names[slot_of(token)];
  return same_octets(token, name_of(method)) ? method : Method::other;
}

std::string_view name_of(Method method) {
  const auto index = static_cast<std::size_t>(method);
  return index < names.size() ? names[index] : std::string_view{};
}

}  // namespace bellhop::sip
