#include "routing/own_user.hpp"

#include "base/fold_case.hpp"
#include "routing/address.hpp"

namespace bellhop::routing {

namespace {

/// Nothing in it that a rule of resolve_address() would change but the case: no escapes, no "._udp" and the like, no
/// IPv6 brackets.
bool is_plain(const sip::Uri& uri) {
  return uri.is_sip() && !uri.user.empty() && uri.user.find('%') == std::string_view::npos && uri.host.front() != '[' &&
         uri.host.find('_') == std::string_view::npos;
}

}  // namespace

bool find_own_user(const sip::Uri& uri, const config::Snapshot& config, const storage::Directory& directory,
                   OwnUser& out) {
  if (is_plain(uri)) {
    const config::Domain* domain = config.domain_of(uri.host);
    if (domain != nullptr && (domain->name == uri.host || equals_ignore_case(domain->name, uri.host))) {
      out.user = uri.user;
      if (!config.registrar.case_sensitive) copy_lower(uri.user, out.user.data());
      out.domain = domain->name;
      return true;
    }
  }
  auto address = resolve_address(uri, config, directory);
  if (!address || !address->local() || address->user.empty()) return false;
  out.domain = address->local_name();
  out.user = std::move(address->user);
  return true;
}

}  // namespace bellhop::routing
