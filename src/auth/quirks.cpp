#include "auth/quirks.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.hpp"

namespace bellhop::auth {
namespace {

constexpr std::array<std::string_view, 3> user_agents{"baresip v0.", "baresip v1.", "sipsak "};

/// SIPp names itself nowhere but in its branches: cookie, process, call and message number.
bool is_branch_of_sipp(std::string_view branch) {
  constexpr std::string_view cookie = "z9hG4bK-";
  if (!branch.starts_with(cookie)) return false;
  branch.remove_prefix(cookie.size());
  for (int dashes = 0; dashes < 2; ++dashes) {
    const std::size_t dash = branch.find('-');
    if (dash == std::string_view::npos || !parse_decimal(branch.substr(0, dash))) return false;
    branch.remove_prefix(dash + 1);
  }
  return parse_decimal(branch).has_value();
}

}  // namespace

bool knows_md5_only(const sip::Message& request) {
  const std::string_view agent = request.value_of(sip::HeaderId::user_agent);
  return std::any_of(user_agents.begin(), user_agents.end(),
                     [&](std::string_view known) { return agent.starts_with(known); }) ||
         is_branch_of_sipp(request.top_via().branch);
}

}  // namespace bellhop::auth
