#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/snapshot.hpp"
#include "server/csv.hpp"
#include "server/outcome.hpp"
#include "storage/accounts.hpp"

namespace bellhop::server {

/// `bellhop account`, `alias` and `domain`: they write the account store, whether a server runs or not. Domains are
/// those of the configuration and of the store; "alice@ALIAS-OF-A-DOMAIN" means the domain itself.
class AccountCommands {
 public:
  AccountCommands(storage::AccountStore& store, const config::Snapshot& config) : store_(store), config_(config) {}

  Outcome add_account(std::string_view address, std::string_view password, bool replace);
  /// By H(A1) instead of a password: one or two hexadecimal texts with white space between, 32 digits for MD5, 64 for
  /// SHA-256. H(A1) is the hash of NAME:REALM:PASSWORD with the name as written in the address; the realm is the
  /// domain's own name in lower case, so the address must have that and no alias of it.
  Outcome add_account_by_ha1(std::string_view address, std::string_view ha1, bool replace);
  Outcome remove_account(std::string_view address);
  Outcome allow_sip(std::string_view address, bool allowed);
  /// Replaces those lists that are given: groups, identities, blocked callers, each as words with white space between.
  struct NewRights {
    std::optional<std::string> groups, identities, blocked;
  };
  Outcome set_rights(std::string_view address, const NewRights& rights);
  Outcome list_accounts(std::string_view filter);
  /// CSV of user,domain,password, or with H(A1) as above user,domain,,MD5,SHA-256, of which one may be empty or left
  /// out; a first line that begins with user,domain,password is a heading. All or none.
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
  /// An account's name that may be added to the store: parsed, and no static account's.
  [[nodiscard]] Result<Address, std::string> parse_new(std::string_view address);
  /// What is wrong with this H(A1) for an account of `realm`, whose domain was written so; empty: nothing.
  [[nodiscard]] std::string ha1_fault(const storage::PasswordHashes& ha1, std::string_view written_domain,
                                      std::string_view realm) const;
  /// One row of an import; the error is what is wrong with it. Domains found served are kept, since rows are many.
  using Served = std::map<std::string, std::string, std::less<>>;
  [[nodiscard]] Result<storage::AccountStore::NewAccount, std::string> read_row(CsvRow& row, Served& domains);
  [[nodiscard]] Outcome added(const Address& name, Result<void, storage::StoreError> done);
  /// The name under which a domain is served; empty when it is not.
  [[nodiscard]] std::string served(std::string_view domain);
  [[nodiscard]] std::string why(storage::StoreError error, std::string_view what) const;

  storage::AccountStore& store_;
  const config::Snapshot& config_;
};

}  // namespace bellhop::server
