#include <fmt/format.h>

#include <cstring>
#include <set>
#include <stdexcept>
#include <string>

#include "base/text.hpp"
#include "storage/accounts.hpp"
#include "storage/schema.hpp"
#include "storage/sqlite.hpp"

namespace bellhop::storage {
namespace {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

/// How the four hashes of a credential lie in their BLOB.
constexpr std::size_t hashes_size = 2 * (16 + 32);

std::array<char, hashes_size> pack(const Credential& credential) {
  std::array<char, hashes_size> out;
  char* at = out.data();
  for (const PasswordHashes* hashes : {&credential.plain, &credential.qualified}) {
    std::memcpy(at, hashes->md5.data(), hashes->md5.size());
    std::memcpy(at + hashes->md5.size(), hashes->sha256.data(), hashes->sha256.size());
    at += hashes_size / 2;
  }
  return out;
}

bool unpack(std::string_view blob, Credential& credential) {
  if (blob.size() != hashes_size) return false;
  const char* at = blob.data();
  for (PasswordHashes* hashes : {&credential.plain, &credential.qualified}) {
    std::memcpy(hashes->md5.data(), at, hashes->md5.size());
    std::memcpy(hashes->sha256.data(), at + hashes->md5.size(), hashes->sha256.size());
    at += hashes_size / 2;
  }
  return true;
}

/// Every statement, prepared once. Names say what they do; all take the domain first.
struct Statements {
  explicit Statements(Database& db)
      : add_domain(db, "INSERT OR IGNORE INTO domain (name) VALUES (?)"),
        delete_domain(db, "DELETE FROM domain WHERE name = ?"),
        find_account(db, "SELECT 1 FROM account WHERE domain = ? AND user = ?"),
        add_account(db, "INSERT OR IGNORE INTO account (domain, user, sip) VALUES (?, ?, ?)"),
        set_sip(db, "UPDATE account SET sip = ?3 WHERE domain = ?1 AND user = ?2"),
        set_rights(db, "UPDATE account SET rights = ?3 WHERE domain = ?1 AND user = ?2"),
        delete_account(db, "DELETE FROM account WHERE domain = ? AND user = ?"),
        add_credential(db, "INSERT OR REPLACE INTO credential (realm, account, name, hashes) VALUES (?, ?, ?, ?)"),
        delete_credentials(db, "DELETE FROM credential WHERE realm = ? AND account = ?"),
        delete_name(db, "DELETE FROM credential WHERE realm = ? AND account = ? AND name = ?"),
        find_name(db, "SELECT 1 FROM credential WHERE realm = ? AND account = ? AND name = ?"),
        lacking(db,
                "SELECT max(substr(hashes, 1, 16) = zeroblob(16)), max(substr(hashes, 17, 32) = zeroblob(32)) "
                "FROM credential WHERE realm = ?"),
        find_alias(db, "SELECT target FROM alias WHERE domain = ? AND user = ?"),
        aliases_of(db, "SELECT user FROM alias WHERE domain = ? AND target = ?"),
        put_alias(db, "INSERT OR REPLACE INTO alias (domain, user, target) VALUES (?, ?, ?)"),
        delete_alias(db, "DELETE FROM alias WHERE domain = ? AND user = ?"),
        delete_aliases_of(db, "DELETE FROM alias WHERE domain = ? AND target = ?"),
        accounts(db, "SELECT domain, user, sip, rights FROM account"),
        credentials(db, "SELECT realm, account, name, hashes FROM credential"),
        aliases(db, "SELECT domain, user, target FROM alias"),
        domains(db, "SELECT name FROM domain"),
        count_change(db, "UPDATE change SET number = number + 1"),
        read_change(db, "SELECT number FROM change") {}

  Statement add_domain, delete_domain;
  Statement find_account, add_account, set_sip, set_rights, delete_account;
  Statement add_credential, delete_credentials, delete_name, find_name, lacking;
  Statement find_alias, aliases_of, put_alias, delete_alias, delete_aliases_of;
  Statement accounts, credentials, aliases, domains;
  Statement count_change, read_change;
};

class SqliteAccounts final : public AccountStore {
 public:
  explicit SqliteAccounts(const std::string& path) : database_(path) {
    database_.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database_);
    sql_ = std::make_unique<Statements>(database_);
  }

  Result<void, StoreError> put_account(const Account& account, std::string_view password, bool replace) override {
    if (!valid_password(password)) return failure(StoreError::invalid);
    return put(account, password, {}, replace);
  }

  Result<void, StoreError> put_account(const Account& account, const PasswordHashes& ha1, bool replace) override {
    return put(account, {}, ha1, replace);
  }

  Result<void, StoreError> remove_account(std::string_view user_text, std::string_view domain_text) override {
    const std::string user = to_lower(user_text), domain = to_lower(domain_text);
    return change([&]() -> Result<void, StoreError> {
      sql_->delete_account.run(domain, user);
      if (database_.changes() == 0) return failure(StoreError::not_found);
      sql_->delete_credentials.run(domain, user);
      sql_->delete_aliases_of.run(domain, user);
      return {};
    });
  }

  Result<void, StoreError> set_sip(std::string_view user, std::string_view domain, bool sip) override {
    return change([&]() -> Result<void, StoreError> {
      sql_->set_sip.run(to_lower(domain), to_lower(user), std::int64_t{sip});
      if (database_.changes() == 0) return failure(StoreError::not_found);
      return {};
    });
  }

  Result<void, StoreError> set_rights(std::string_view user, std::string_view domain, const Rights& rights) override {
    const std::string text = pack(rights);
    if (text.size() > most_rights_octets) return failure(StoreError::invalid);
    return change([&]() -> Result<void, StoreError> {
      sql_->set_rights.run(to_lower(domain), to_lower(user), text);
      if (database_.changes() == 0) return failure(StoreError::not_found);
      return {};
    });
  }

  Result<void, StoreError> put_alias(const Alias& alias) override {
    const std::string user = to_lower(alias.user), domain = to_lower(alias.domain);
    const std::string target = canonical_target(alias.target, domain);
    if (!valid_user(user) || !valid_domain(domain) || target.empty() || target == user)
      return failure(StoreError::invalid);
    return change([&]() -> Result<void, StoreError> {
      if (sql_->find_account.query(domain, user).next()) return failure(StoreError::exists);
      forget_alias_credential(user, domain, target);
      sql_->put_alias.run(domain, user, target);
      return {};
    });
  }

  Result<void, StoreError> remove_alias(std::string_view user_text, std::string_view domain_text) override {
    const std::string user = to_lower(user_text), domain = to_lower(domain_text);
    return change([&]() -> Result<void, StoreError> {
      forget_alias_credential(user, domain, {});
      sql_->delete_alias.run(domain, user);
      if (database_.changes() == 0) return failure(StoreError::not_found);
      return {};
    });
  }

  Result<void, StoreError> put_domain(std::string_view name) override {
    if (!valid_domain(name)) return failure(StoreError::invalid);
    return change([&]() -> Result<void, StoreError> {
      sql_->add_domain.run(to_lower(name));
      if (database_.changes() == 0) return failure(StoreError::exists);
      return {};
    });
  }

  Result<void, StoreError> remove_domain(std::string_view name) override {
    return change([&]() -> Result<void, StoreError> {
      sql_->delete_domain.run(to_lower(name));
      if (database_.changes() == 0) return failure(StoreError::not_found);
      return {};
    });
  }

  Result<std::size_t, StoreError> import(const std::vector<NewAccount>& accounts) override {
    const auto done = change([&]() -> Result<void, StoreError> {
      std::set<std::string> domains;
      for (const NewAccount& account : accounts) {
        const std::string domain = to_lower(account.domain);
        if (const auto written = write_account(account.user, domain, account.password, account.ha1); !written)
          return written;
        if (account.password.empty()) domains.insert(domain);
      }
      for (const std::string& domain : domains)
        if (const auto good = check_algorithms(domain); !good) return good;
      return {};
    });
    if (!done) return failure(done.error());
    return accounts.size();
  }

  bool can_authenticate(std::string_view name_text, std::string_view domain_text) override {
    const std::string name = to_lower(name_text), domain = to_lower(domain_text);
    std::string account = name;
    if (auto rows = sql_->find_alias.query(domain, name); rows.next()) account = rows.text(0);
    return sql_->find_name.query(domain, account, name).next();
  }

  void for_each_account(const std::function<void(const Account&)>& visit) override {
    auto rows = sql_->accounts.query();
    while (rows.next())
      visit({std::string(rows.text(1)), std::string(rows.text(0)), rows.number(2) != 0, unpack_rights(rows.text(3))});
  }

  void for_each_credential(const std::function<void(const Credential&)>& visit) override {
    auto rows = sql_->credentials.query();
    Credential credential;
    while (rows.next()) {
      credential.realm = rows.text(0);
      credential.account_user = rows.text(1);
      credential.name = rows.text(2);
      if (!unpack(rows.blob(3), credential)) throw sqlite::Error("a credential has hashes of a wrong size");
      visit(credential);
    }
  }

  void for_each_alias(const std::function<void(const Alias&)>& visit) override {
    auto rows = sql_->aliases.query();
    while (rows.next()) visit({std::string(rows.text(1)), std::string(rows.text(0)), std::string(rows.text(2))});
  }

  void for_each_domain(const std::function<void(const std::string&)>& visit) override {
    auto rows = sql_->domains.query();
    while (rows.next()) visit(std::string(rows.text(0)));
  }

  std::int64_t version() override {
    try {
      auto rows = sql_->read_change.query();
      if (rows.next()) version_ = rows.number(0);
    } catch (const sqlite::Error& error) {
      last_error_ = error.what();
    }
    return version_;
  }

  [[nodiscard]] std::string_view last_error() const override { return last_error_; }

 private:
  /// Runs `body` in a transaction that also counts the change; nothing is kept when it fails.
  template <class Body>
  Result<void, StoreError> change(const Body& body) {
    try {
      Transaction transaction(database_);
      Result<void, StoreError> done = body();
      if (!done) return done;
      sql_->count_change.run();
      transaction.commit();
      return done;
    } catch (const sqlite::Error& error) {
      last_error_ = error.what();
      return failure(StoreError::unavailable);
    }
  }

  Result<void, StoreError> put(const Account& account, std::string_view password, const PasswordHashes& ha1,
                               bool replace) {
    return change([&]() -> Result<void, StoreError> {
      const std::string domain = to_lower(account.domain);
      const std::string user = to_lower(account.user);
      if (!replace && sql_->find_account.query(domain, user).next()) return failure(StoreError::exists);
      if (const auto done = write_account(account.user, domain, password, ha1); !done) return done;
      sql_->set_sip.run(domain, user, std::int64_t{account.sip});
      if (!password.empty()) return {};
      return check_algorithms(domain);
    });
  }

  /// The account and its credentials: with a password those of its name and its aliases, without one that of the H(A1).
  /// `name` is as written, `domain` in lower case.
  Result<void, StoreError> write_account(std::string_view name, const std::string& domain, std::string_view password,
                                         const PasswordHashes& ha1) {
    const bool opens = password.empty() ? ha1.has_md5() || ha1.has_sha256() : valid_password(password);
    if (!valid_user(name) || !valid_domain(domain) || !opens) return failure(StoreError::invalid);
    const std::string user = to_lower(name);
    if (sql_->find_alias.query(domain, user).next()) return failure(StoreError::exists);
    sql_->add_account.run(domain, user, std::int64_t{1});
    if (database_.changes() == 0) sql_->delete_credentials.run(domain, user);
    if (password.empty()) {
      write_credential(given_credential(name, domain, ha1));
      return {};
    }
    write_credentials(name, domain, user, password);
    auto aliases = sql_->aliases_of.query(domain, user);
    while (aliases.next()) write_credentials(aliases.text(0), domain, user, password);
    return {};
  }

  void write_credentials(std::string_view name, const std::string& domain, const std::string& user,
                         std::string_view password) {
    for (const Credential& credential : make_credentials(name, domain, user, password)) write_credential(credential);
  }

  void write_credential(const Credential& credential) {
    const auto hashes = pack(credential);
    sql_->add_credential.run(std::string_view(credential.realm), std::string_view(credential.account_user),
                             std::string_view(credential.name), Blob{std::string_view(hashes.data(), hashes.size())});
  }

  Result<void, StoreError> check_algorithms(const std::string& domain) {
    auto rows = sql_->lacking.query(domain);
    if (rows.next() && rows.number(0) != 0 && rows.number(1) != 0) return failure(StoreError::no_common_algorithm);
    return {};
  }

  /// A name that stops standing for an account must stop opening it.
  void forget_alias_credential(const std::string& alias, const std::string& domain, std::string_view new_target) {
    std::string old_target;
    if (auto rows = sql_->find_alias.query(domain, alias); rows.next()) old_target = rows.text(0);
    if (old_target != new_target) sql_->delete_name.run(domain, old_target, alias);
  }

  Database database_;
  std::unique_ptr<Statements> sql_;
  std::int64_t version_ = 0;
  std::string last_error_;
};

}  // namespace

std::unique_ptr<AccountStore> open_sqlite_accounts(const std::string& path) {
  try {
    return std::make_unique<SqliteAccounts>(path);
  } catch (const sqlite::Error& error) {
    throw std::runtime_error(fmt::format("accounts in {}: {}", path, error.what()));
  }
}

}  // namespace bellhop::storage
