#pragma once

#include <string>
#include <string_view>

#include "config/snapshot.hpp"
#include "sip/uri.hpp"
#include "storage/directory.hpp"

namespace bellhop::routing {

/// A user of ours, by what resolve_address() makes of an address. Reused, its strings keep their memory.
struct OwnUser {
  std::string user;    ///< decoded, folded by the case rule, never empty
  std::string domain;  ///< its own name, whatever name or address of it was used
};

/// Whose address this is; false when it names nobody here, or no user. The same rules as resolve_address(), but for a
/// plain address ("sip:bob@example.test" by the domain's own name), which most are, they are short.
[[nodiscard]] bool find_own_user(const sip::Uri& uri, const config::Snapshot& config,
                                 const storage::Directory& directory, OwnUser& out);

}  // namespace bellhop::routing
