#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "config/snapshot.hpp"
#include "server/outcome.hpp"
#include "storage/accounts.hpp"

namespace bellhop::server {

/// `bellhop account`, `alias` and `domain`: they write the account store, whether a server runs or not. Domains are
/// those of the configuration and of the store; "alice@ALIAS-OF-A-DOMAIN" means the domain itself.
class AccountCommands {
 public:
  AccountCommands(storage::AccountStore& store, const config::Snapshot& config) : store_(store), config_(config) {}

  Outcome add_account(std::string_view address, std::string_view password, bool replace);
  Outcome remove_account(std::string_view address);
  Outcome allow_sip(std::string_view address, bool allowed);
  Outcome list_accounts(std::string_view filter);
  /// CSV of user,domain,password; a first line "user,domain,password" is a heading. All or none.
  Outcome import_accounts(std::string_view csv);

  Outcome add_alias(std::string_view address, std::string_view target);
  Outcome remove_alias(std::string_view address);
  Outcome list_aliases(std::string_view filter);

  Outcome add_domain(std::string_view name);
  Outcome remove_domain(std::string_view name);
  Outcome list_domains();

 private:
  struct Address {
    std::string user, domain;
    [[nodiscard]] std::string text() const { return user + "@" + domain; }
  };
  [[nodiscard]] Result<Address, std::string> parse(std::string_view address);
  /// The name under which a domain is served; empty when it is not.
  [[nodiscard]] std::string served(std::string_view domain);
  [[nodiscard]] std::string why(storage::StoreError error, std::string_view what) const;

  storage::AccountStore& store_;
  const config::Snapshot& config_;
};

}  // namespace bellhop::server
