#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/accounts.hpp"

namespace bellhop::storage {

/// Accounts, credentials, aliases and stored domains in memory: what shards ask. State shared but narrow (house.md
/// section 3): striped locks held for one look-up, values copied out. Never touches a disk.
///
/// Names    users of accounts and aliases are found in any case, credentials only as written (H(A1) covers the case).
/// Memory   by reckoning 200 octets for each account with one name (not measured yet).
/// Cost     one hash and one probe; no allocation for names of up to 15 octets.
/// Threads  any.
class Directory {
 public:
  Directory();
  ~Directory();

  struct Secret {  ///< what auth needs of a credential
    PasswordHashes ha1;
    std::string account_user;
    bool sip = true;  ///< the account's SIP Service right (CGP-42)
  };
  /// `name` is the digest username: "user", "user@realm", or an alias in either form.
  [[nodiscard]] std::optional<Secret> credential(std::string_view name, std::string_view realm) const;
  /// Whether some account of the realm was given by an H(A1) for MD5 alone, so that SHA-256 cannot be asked of all. One
  /// atomic read where no realm has such an account.
  [[nodiscard]] bool lacks_sha256(std::string_view realm) const;
  [[nodiscard]] std::optional<Account> account(std::string_view user, std::string_view domain) const;
  /// Of an account; one atomic read where no account has any.
  [[nodiscard]] Rights rights(std::string_view user, std::string_view domain) const;
  /// The target of an alias or forwarder; nothing when there is none.
  [[nodiscard]] std::optional<std::string> alias(std::string_view user, std::string_view domain) const;
  [[nodiscard]] bool stored_domain(std::string_view name) const;
  /// Whether `name@domain` is this account: its own name or one of its aliases. What a request's From or To is compared
  /// with after authentication (threats 58).
  [[nodiscard]] bool is_name_of(std::string_view name, std::string_view account_user, std::string_view domain) const;

  struct Contents {
    std::vector<Account> accounts;
    std::vector<Credential> credentials;
    std::vector<Alias> aliases;
    std::vector<std::string> domains;
  };
  /// Replaces everything (load at start, or after version() moved): built aside, swapped stripe by stripe. Of equal
  /// names the first stays, so static accounts go in before stored ones; a credential without its account is left out.
  void replace(Contents contents);
  [[nodiscard]] std::size_t accounts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// All of a store, for Directory::replace(). Throws as the store's for_each_ functions do.
[[nodiscard]] Directory::Contents read_all(AccountStore& store);

}  // namespace bellhop::storage
