#include "routing/own_user.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "routing/address.hpp"

namespace bellhop::routing {

bool find_own_user(const sip::Uri& uri, const config::Snapshot& config, const storage::Directory& directory,
                   OwnUser& out) {
  if (const config::Domain* domain = domain_of_plain(uri, config)) {
    out.user = uri.user;
    if (!config.registrar.case_sensitive) std::ranges::transform(out.user, out.user.begin(), lower);
    out.domain = domain->name;
    return true;
  }
  auto address = resolve_address(uri, config, directory);
  if (!address || !address->local() || address->user.empty()) return false;
  out.domain = address->local_name();
  out.user = std::move(address->user);
  return true;
}

}  // namespace bellhop::routing
