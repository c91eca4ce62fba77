#include "sip/method.hpp"

#include <array>
#include <cstddef>

namespace bellhop::sip {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Method::other)> names{
    "INVITE",    "ACK",    "BYE",     "CANCEL", "REGISTER", "OPTIONS", "PRACK",
    "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO",   "REFER",    "MESSAGE", "UPDATE",
};

}  // namespace

Method method_from(std::string_view token) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (token.size() == names[i].size() && token[0] == names[i][0] && token == names[i]) return static_cast<Method>(i);
  }
  return Method::other;
}

std::string_view name_of(Method method) {
  const auto index = static_cast<std::size_t>(method);
  return index < names.size() ? names[index] : std::string_view{};
}

}  // namespace bellhop::sip
