#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace bellhop::storage {

/// An account as it is kept: never the password, only H(name:realm:password) for each name that may authenticate.
struct Account {
  std::string user;    ///< lower case when the case rule folds
  std::string domain;  ///< lower case; also the realm
  bool sip = true;     ///< SIP Service right (CGP-42)
};

/// One name under which an account may authenticate (its user part, user@domain, an alias; CGP-12, CUCM-03).
struct Credential {
  std::string name;                ///< the digest username, exact
  std::string realm;               ///< the domain
  std::string account_user;        ///< whose it is (same domain)
  std::array<char, 32> ha1_md5{};  ///< hexadecimal
  std::array<char, 64> ha1_sha256{};
};

/// Alias or forwarder: `user@domain` is routed as `target` (a bare user of the same domain, or a URI).
struct Alias {
  std::string user, domain, target;
};

/// The credentials of one account name: for both algorithms and for the forms "user" and "user@domain" that phones
/// send.
[[nodiscard]] std::vector<Credential> make_credentials(std::string_view name, std::string_view domain,
                                                       std::string_view account_user, std::string_view password);

enum class StoreError : std::uint8_t { not_found, exists, invalid, unavailable };
[[nodiscard]] std::string_view text_of(StoreError error);

/// Durable accounts, domains, aliases and forwarders. Blocking: used by the command line and by the side thread that
/// fills the Directory, never by a shard. SQLite (sqlite_accounts.cpp); PostgreSQL will join behind the same interface.
class AccountStore {
 public:
  virtual ~AccountStore() = default;
  /// Adds or, when `replace`, changes an account; credentials of its aliases are made too, since only now the password
  /// is known.
  virtual Result<void, StoreError> put_account(const Account& account, std::string_view password, bool replace) = 0;
  virtual Result<void, StoreError> remove_account(std::string_view user, std::string_view domain) = 0;
  virtual Result<void, StoreError> set_sip(std::string_view user, std::string_view domain, bool sip) = 0;
  virtual Result<void, StoreError> put_alias(const Alias& alias) = 0;
  virtual Result<void, StoreError> remove_alias(std::string_view user, std::string_view domain) = 0;
  virtual Result<void, StoreError> put_domain(std::string_view name) = 0;
  virtual Result<void, StoreError> remove_domain(std::string_view name) = 0;
  /// Many accounts in one transaction: a CSV import of 300,000 takes seconds.
  struct NewAccount {
    std::string user, domain, password;
  };
  virtual Result<std::size_t, StoreError> import(const std::vector<NewAccount>& accounts) = 0;

  virtual void for_each_account(const std::function<void(const Account&)>& visit) = 0;
  virtual void for_each_credential(const std::function<void(const Credential&)>& visit) = 0;
  virtual void for_each_alias(const std::function<void(const Alias&)>& visit) = 0;
  virtual void for_each_domain(const std::function<void(const std::string&)>& visit) = 0;
  /// Grows with every change by any process: tells a running server when to look again.
  virtual std::int64_t version() = 0;
};

/// Opens (and creates or migrates) DATA_DIR/bellhop.db. Throws std::runtime_error with a clear text at start-up.
[[nodiscard]] std::unique_ptr<AccountStore> open_sqlite_accounts(const std::string& path);

}  // namespace bellhop::storage
