#include "storage/directory.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "base/copy_octets.hpp"
#include "base/fold_case.hpp"
#include "base/hash.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "storage/text_table.hpp"

namespace bellhop::storage {
namespace {

constexpr std::size_t stripes = 64;

enum class Case : std::uint8_t { folded, exact };

/// "user of domain" as one text: the length of the domain, the domain, the user.
class Key {
 public:
  Key(std::string_view user, Case user_case, std::string_view domain, std::uint64_t seed) {
    if (domain.size() > 255 || 1 + domain.size() + user.size() > octets_.size()) return;  // no such name is ever stored
    char* at = octets_.data();
    *at++ = static_cast<char>(domain.size());
    at = copy_lower(domain, at);
    at = user_case == Case::folded ? copy_lower(user, at) : copy_octets(user, at);
    text_ = {{octets_.data(), static_cast<std::size_t>(at - octets_.data())}, 0};
    text_.hash = hash64(text_.text, seed);
  }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  [[nodiscard]] bool fits() const { return !text_.text.empty(); }
  [[nodiscard]] const HashedText& text() const { return text_; }
  [[nodiscard]] std::size_t stripe() const { return text_.hash >> 58; }

 private:
  std::array<char, 512> octets_;
  HashedText text_;
};
static_assert(stripes == 1U << (64 - 58));

struct AccountRow {
  bool sip;
  TextAt rights;  ///< packed
};
struct CredentialRow {
  PasswordHashes plain, qualified;
  TextAt account_user;
  bool sip;
};
struct AliasRow {
  TextAt target;
};
struct DomainRow {};
struct Md5OnlyRow {};

/// What one stripe knows: never changed once it is in place.
struct Tables {
  explicit Tables(std::uint64_t seed)
      : accounts(texts, seed),
        credentials(texts, seed),
        aliases(texts, seed),
        domains(texts, seed),
        md5_only(texts, seed) {}
  void shrink() {
    texts.shrink();
    accounts.shrink();
    credentials.shrink();
    aliases.shrink();
    domains.shrink();
    md5_only.shrink();
  }

  TextArena texts;
  TextTable<AccountRow> accounts;
  TextTable<CredentialRow> credentials;
  TextTable<AliasRow> aliases;
  TextTable<DomainRow> domains;
  TextTable<Md5OnlyRow> md5_only;  ///< realms with an account that has no H(A1) for SHA-256
};

using AllTables = std::array<std::unique_ptr<Tables>, stripes>;

/// Collects contents into new tables.
class Filling {
 public:
  Filling(AllTables& tables, std::uint64_t seed) : tables_(tables), seed_(seed) {
    for (auto& table : tables_) table = std::make_unique<Tables>(seed);
  }

  bool add(const Account& account) {
    const Key key(account.user, Case::folded, account.domain, seed_);
    if (!key.fits()) return false;
    any_rights_ = any_rights_ || !account.rights.none();
    return at(key).accounts.add(key.text(), {account.sip, at(key).texts.add(pack(account.rights))});
  }
  void add(const Credential& credential) {
    const Key account_key(credential.account_user, Case::folded, credential.realm, seed_);
    const AccountRow* account = account_key.fits() ? at(account_key).accounts.find(account_key.text()) : nullptr;
    const Key key(credential.name, Case::exact, credential.realm, seed_);
    if (account == nullptr || !key.fits()) return;
    Tables& tables = at(key);
    const bool added = tables.credentials.add(
        key.text(),
        {credential.plain, credential.qualified, tables.texts.add(to_lower(credential.account_user)), account->sip});
    if (!added || credential.plain.has_sha256()) return;
    const Key realm({}, Case::exact, credential.realm, seed_);
    at(realm).md5_only.add(realm.text(), {});
    any_md5_only_ = true;
  }
  void add(const Alias& alias) {
    const std::string target = canonical_target(alias.target, alias.domain);
    const Key key(alias.user, Case::folded, alias.domain, seed_);
    if (target.empty() || !key.fits()) return;
    at(key).aliases.add(key.text(), {at(key).texts.add(target)});
    any_aliases_ = true;
  }
  void add(const std::string& domain) {
    const Key key({}, Case::exact, domain, seed_);
    if (key.fits()) at(key).domains.add(key.text(), {});
  }

  [[nodiscard]] bool any_md5_only() const { return any_md5_only_; }
  [[nodiscard]] bool any_rights() const { return any_rights_; }
  [[nodiscard]] bool any_aliases() const { return any_aliases_; }

 private:
  Tables& at(const Key& key) { return *tables_[key.stripe()]; }

  AllTables& tables_;
  std::uint64_t seed_;
  bool any_md5_only_ = false, any_rights_ = false, any_aliases_ = false;
};

}  // namespace

struct Directory::State {
  struct alignas(64) Stripe {  // one cache line each: locks of neighbours do not disturb each other
    mutable std::mutex mutex;
    std::unique_ptr<const Tables> tables;
  };

  /// Calls read(tables) under the stripe's lock.
  template <class Read>
  auto locked(const Key& key, const Read& read) const {
    const Stripe& stripe = all[key.stripe()];
    const std::lock_guard lock(stripe.mutex);
    return read(*stripe.tables);
  }

  const std::uint64_t seed = Random::seed_from_system();
  std::array<Stripe, stripes> all;
  std::mutex replacing;  ///< one replace() at a time
  std::atomic<std::size_t> accounts{0};
  std::atomic<bool> any_md5_only{false}, any_rights{false}, any_aliases{false};
};

Directory::Directory() : state_(std::make_unique<State>()) {
  for (auto& stripe : state_->all) stripe.tables = std::make_unique<Tables>(state_->seed);
}
Directory::~Directory() = default;

std::optional<Directory::Secret> Directory::credential(std::string_view name, std::string_view realm) const {
  const std::size_t bare_size = name.size() - std::min(name.size(), realm.size() + 1);
  const bool qualified = name.ends_with(realm) && bare_size > 0 && name[bare_size] == '@';
  const Key key(qualified ? name.substr(0, bare_size) : name, Case::exact, realm, state_->seed);
  if (!key.fits()) return std::nullopt;
  return state_->locked(key, [&](const Tables& tables) -> std::optional<Secret> {
    const CredentialRow* row = tables.credentials.find(key.text());
    if (row == nullptr) return std::nullopt;
    return Secret{qualified ? row->qualified : row->plain, std::string(tables.texts[row->account_user]), row->sip};
  });
}

bool Directory::lacks_sha256(std::string_view realm) const {
  if (!state_->any_md5_only.load(std::memory_order_relaxed)) return false;
  const Key key({}, Case::exact, realm, state_->seed);
  return key.fits() &&
         state_->locked(key, [&](const Tables& tables) { return tables.md5_only.find(key.text()) != nullptr; });
}

std::optional<Account> Directory::account(std::string_view user, std::string_view domain) const {
  const Key key(user, Case::folded, domain, state_->seed);
  if (!key.fits()) return std::nullopt;
  return state_->locked(key, [&](const Tables& tables) -> std::optional<Account> {
    const AccountRow* row = tables.accounts.find(key.text());
    if (row == nullptr) return std::nullopt;
    return Account{to_lower(user), to_lower(domain), row->sip, unpack_rights(tables.texts[row->rights])};
  });
}

Rights Directory::rights(std::string_view user, std::string_view domain) const {
  if (!state_->any_rights.load(std::memory_order_relaxed)) return {};
  const auto found = account(user, domain);
  return found ? found->rights : Rights{};
}

std::optional<std::string> Directory::alias(std::string_view user, std::string_view domain) const {
  if (!state_->any_aliases.load(std::memory_order_relaxed)) return std::nullopt;
  const Key key(user, Case::folded, domain, state_->seed);
  if (!key.fits()) return std::nullopt;
  return state_->locked(key, [&](const Tables& tables) -> std::optional<std::string> {
    const AliasRow* row = tables.aliases.find(key.text());
    if (row == nullptr) return std::nullopt;
    return std::string(tables.texts[row->target]);
  });
}

bool Directory::stored_domain(std::string_view name) const {
  const Key key({}, Case::exact, name, state_->seed);
  return key.fits() &&
         state_->locked(key, [&](const Tables& tables) { return tables.domains.find(key.text()) != nullptr; });
}

bool Directory::is_name_of(std::string_view name, std::string_view account_user, std::string_view domain) const {
  if (equals_ignore_case(name, account_user)) return true;
  const auto target = alias(name, domain);
  return target && equals_ignore_case(*target, account_user);
}

void Directory::replace(Contents contents) {
  const std::lock_guard one_at_a_time(state_->replacing);
  AllTables next;
  Filling filling(next, state_->seed);
  std::size_t accounts = 0;
  for (const auto& account : contents.accounts) accounts += filling.add(account) ? 1 : 0;
  for (const auto& credential : contents.credentials) filling.add(credential);
  for (const auto& alias : contents.aliases) filling.add(alias);
  for (const auto& domain : contents.domains) filling.add(domain);
  for (std::size_t i = 0; i < stripes; ++i) {
    next[i]->shrink();
    std::unique_ptr<const Tables> tables = std::move(next[i]);
    {
      const std::lock_guard lock(state_->all[i].mutex);
      state_->all[i].tables.swap(tables);
    }  // the old tables are freed behind the lock
  }
  state_->accounts = accounts;
  state_->any_md5_only = filling.any_md5_only();
  state_->any_rights = filling.any_rights();
  state_->any_aliases = filling.any_aliases();
}

std::size_t Directory::accounts() const {
  return state_->accounts;
}

Directory::Contents read_all(AccountStore& store) {
  Directory::Contents out;
  store.for_each_account([&](const Account& account) { out.accounts.push_back(account); });
  store.for_each_credential([&](const Credential& credential) { out.credentials.push_back(credential); });
  store.for_each_alias([&](const Alias& alias) { out.aliases.push_back(alias); });
  store.for_each_domain([&](const std::string& domain) { out.domains.push_back(domain); });
  return out;
}

}  // namespace bellhop::storage
