#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "storage/rights.hpp"

namespace bellhop::storage {

/// An account as it is kept: never the password, only H(name:realm:password) for each name that may authenticate.
struct Account {
  std::string user;    ///< lower case: account names ignore case
  std::string domain;  ///< lower case; also the realm
  bool sip = true;     ///< SIP Service right (CGP-42)
  Rights rights{};
};

/// H(A1) of one spelling of a name, for both algorithms, as octets: half the memory of the hexadecimal the digest
/// needs. All zeros: not known, since the account was given by an H(A1) of the other algorithm or name. Nothing may be
/// compared with one that is not known.
struct PasswordHashes {
  std::array<unsigned char, 16> md5{};
  std::array<unsigned char, 32> sha256{};
  [[nodiscard]] bool has_md5() const { return md5 != decltype(md5){}; }
  [[nodiscard]] bool has_sha256() const { return sha256 != decltype(sha256){}; }
  friend bool operator==(const PasswordHashes&, const PasswordHashes&) = default;
};

/// One name under which an account may authenticate (its user part, an alias; CGP-12, CUCM-03), with the two spellings
/// that phones send as digest username.
struct Credential {
  std::string name;          ///< the digest username, exact: H(A1) covers its letters' case
  std::string realm;         ///< the domain
  std::string account_user;  ///< whose it is (same domain)
  PasswordHashes plain;      ///< for username "name"
  PasswordHashes qualified;  ///< for username "name@realm"
};

/// Alias or forwarder: `user@domain` is routed as `target` (a bare user of the same domain, or a URI). With a bare user
/// it is another name of that account, and authenticates as such.
struct Alias {
  std::string user, domain, target;
};

/// The credentials of one name: as written and, where that differs, in lower case. Eight or four hashes.
[[nodiscard]] std::vector<Credential> make_credentials(std::string_view name, std::string_view domain,
                                                       std::string_view account_user, std::string_view password);

/// The one credential that an H(A1) made elsewhere is good for: it covers the name's exact letters, so neither another
/// spelling nor an alias nor "name@realm" can be derived from it.
[[nodiscard]] Credential given_credential(std::string_view name, std::string_view domain, const PasswordHashes& ha1);
/// Puts an H(A1) in hexadecimal, of either case, into `ha1`: 32 digits are MD5's, 64 are SHA-256's. False when it is
/// neither, all zeros, or of an algorithm that is there already.
[[nodiscard]] bool add_ha1(std::string_view hex, PasswordHashes& ha1);

// What the store takes; a caller that reads many lines from a file asks first and can name the line.
[[nodiscard]] bool valid_user(std::string_view user);      ///< 1..128 octets, no control, space, quotes or "@:<>\"
[[nodiscard]] bool valid_domain(std::string_view domain);  ///< a host: letters, digits, '-', '_', '.', or an IP address
[[nodiscard]] bool valid_password(std::string_view password);  ///< 1..256 octets, no control characters
/// An alias's target in its kept form: a user of the same domain, however written, becomes the bare lower-case user;
/// "user@other" becomes a sip URI. Empty when it is neither a user nor a sip, sips or tel URI.
[[nodiscard]] std::string canonical_target(std::string_view target, std::string_view domain);

enum class StoreError : std::uint8_t {
  not_found,
  exists,
  invalid,
  no_common_algorithm,  ///< the domain would have accounts with MD5 alone and others with SHA-256 alone
  unavailable,
};
[[nodiscard]] std::string_view text_of(StoreError error);

/// Durable accounts, domains, aliases and forwarders. SQLite (sqlite_accounts.cpp); PostgreSQL will join behind the
/// same interface.
///
/// Names    users and domains are folded to lower case on their way in; an alias and an account cannot share a name.
/// Threads  one at a time; blocking (another process may hold the file for a moment): used by the command line and by
///          the side thread that fills the Directory, never by a shard.
/// Errors   changes return a StoreError, `unavailable` with a text in last_error(); the for_each_ functions throw
///          std::runtime_error when the database cannot be read.
class AccountStore {
 public:
  virtual ~AccountStore() = default;
  /// Adds or, when `replace`, changes an account. Its old credentials are gone; new ones are made for its name and for
  /// each of its aliases, since only now the password is known.
  virtual Result<void, StoreError> put_account(const Account& account, std::string_view password, bool replace) = 0;
  /// The same with an H(A1) for MD5, SHA-256 or both, of the account's name as written and its domain in lower case.
  /// Its aliases route, but cannot log in. A challenge is one for a whole domain (auth/authenticator.cpp), so no domain
  /// may have accounts with MD5 alone beside others with SHA-256 alone: no_common_algorithm.
  virtual Result<void, StoreError> put_account(const Account& account, const PasswordHashes& ha1, bool replace) = 0;
  /// With its credentials and the aliases that are names of it.
  virtual Result<void, StoreError> remove_account(std::string_view user, std::string_view domain) = 0;
  virtual Result<void, StoreError> set_sip(std::string_view user, std::string_view domain, bool sip) = 0;
  /// In place of what it had; `invalid` when it is more than most_rights_octets.
  virtual Result<void, StoreError> set_rights(std::string_view user, std::string_view domain, const Rights& rights) = 0;
  /// Adds or changes an alias. No clear password is kept, so a new alias routes at once but authenticates only after
  /// the account's password has been set again: see can_authenticate().
  virtual Result<void, StoreError> put_alias(const Alias& alias) = 0;
  virtual Result<void, StoreError> remove_alias(std::string_view user, std::string_view domain) = 0;
  virtual Result<void, StoreError> put_domain(std::string_view name) = 0;
  /// The domain only: its accounts stay, and are served again when the domain is.
  virtual Result<void, StoreError> remove_domain(std::string_view name) = 0;
  /// Many accounts in one transaction, all or none: new ones are added, existing ones get the new password or H(A1).
  /// 300,000 take seconds.
  struct NewAccount {
    std::string user, domain, password;
    PasswordHashes ha1{};  ///< counts when the password is empty
  };
  virtual Result<std::size_t, StoreError> import(const std::vector<NewAccount>& accounts) = 0;

  /// Whether this name (an account's or an alias) has a credential.
  virtual bool can_authenticate(std::string_view name, std::string_view domain) = 0;
  virtual void for_each_account(const std::function<void(const Account&)>& visit) = 0;
  virtual void for_each_credential(const std::function<void(const Credential&)>& visit) = 0;
  virtual void for_each_alias(const std::function<void(const Alias&)>& visit) = 0;
  virtual void for_each_domain(const std::function<void(const std::string&)>& visit) = 0;
  /// Grows with every change by any process: tells a running server when to look again. Take it before read_all(), so
  /// that a change in between is seen at the next look. One small read; the last known value when the file is busy.
  virtual std::int64_t version() = 0;
  /// What was behind the latest `unavailable`, for the administrator.
  [[nodiscard]] virtual std::string_view last_error() const = 0;
};

/// Opens (and creates with mode 0600, or migrates) DATA_DIR/bellhop.db. Throws std::runtime_error with a clear text at
/// start-up.
[[nodiscard]] std::unique_ptr<AccountStore> open_sqlite_accounts(const std::string& path);

}  // namespace bellhop::storage
