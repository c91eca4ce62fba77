#include "routing/own_user.hpp"

#include "base/fold_case.hpp"
#include "routing/address.hpp"

namespace bellhop::routing {

bool find_own_user(const sip::Uri& uri, const config::Snapshot& config, const storage::Directory& directory,
                   OwnUser& out) {
  if (const config::Domain* domain = domain_of_plain(uri, config)) {
    out.user = uri.user;
    if (!config.registrar.case_sensitive) copy_lower(uri.user, out.user.data());
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
