#pragma once

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
/// Threads  any.
class Directory {
 public:
  Directory();
  ~Directory();

  struct Secret {  ///< what auth needs of a credential
    std::array<char, 32> ha1_md5;
    std::array<char, 64> ha1_sha256;
    std::string account_user;
  };
  [[nodiscard]] std::optional<Secret> credential(std::string_view name, std::string_view realm) const;
  [[nodiscard]] std::optional<Account> account(std::string_view user, std::string_view domain) const;
  /// The target of an alias or forwarder; nothing when there is none.
  [[nodiscard]] std::optional<std::string> alias(std::string_view user, std::string_view domain) const;
  [[nodiscard]] bool stored_domain(std::string_view name) const;
  /// Whether `name@domain` is this account: its own name or one of its aliases.
  [[nodiscard]] bool is_name_of(std::string_view name, std::string_view account_user, std::string_view domain) const;

  /// Replaces everything (load at start, or after version() moved): built aside, swapped stripe by stripe.
  struct Contents {
    std::vector<Account> accounts;
    std::vector<Credential> credentials;
    std::vector<Alias> aliases;
    std::vector<std::string> domains;
  };
  void replace(Contents contents);
  [[nodiscard]] std::size_t accounts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// All of a store, for Directory::replace().
[[nodiscard]] Directory::Contents read_all(AccountStore& store);

}  // namespace bellhop::storage
