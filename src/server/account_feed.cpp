#include "server/account_feed.hpp"

#include <exception>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "base/time.hpp"

namespace bellhop::server {

namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

storage::Directory::Contents static_contents(const config::Snapshot& config) {
  storage::Directory::Contents out;
  for (const config::StaticAccount& a : config.accounts) {
    const std::string user = to_lower(a.user);
    out.accounts.push_back({user, a.domain, a.sip, {a.groups, a.identities, a.blocked}});
    append(out.credentials, storage::make_credentials(a.user, a.domain, user, a.password));
    for (const std::string& alias : a.aliases) {
      append(out.credentials, storage::make_credentials(alias, a.domain, user, a.password));
      out.aliases.push_back({to_lower(alias), a.domain, user});
    }
  }
  for (const config::StaticAlias& a : config.aliases)
    out.aliases.push_back({to_lower(a.name), a.domain, storage::canonical_target(a.target, a.domain)});
  return out;
}

AccountFeed::AccountFeed(storage::AccountStore& store, storage::Directory& directory, const config::Snapshot& config,
                         observe::Log& log)
    : store_(store), directory_(directory), log_(log), static_part_(static_contents(config)) {
  refresh();
  thread_ = std::thread([this] { run(); });
}

AccountFeed::~AccountFeed() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void AccountFeed::look_now() {
  const std::lock_guard lock(mutex_);
  if (store_.version() != seen_) refresh();
}

void AccountFeed::configure(const config::Snapshot& config) {
  auto contents = static_contents(config);
  const std::lock_guard lock(mutex_);
  static_part_ = std::move(contents);
  refresh();
}

void AccountFeed::refresh() {
  // The version first: a change that comes in between is seen at the next look.
  const std::int64_t version = store_.version();
  storage::Directory::Contents all = static_part_;
  storage::Directory::Contents stored = storage::read_all(store_);
  append(all.accounts, std::move(stored.accounts));
  append(all.credentials, std::move(stored.credentials));
  append(all.aliases, std::move(stored.aliases));
  append(all.domains, std::move(stored.domains));
  directory_.replace(std::move(all));
  seen_ = version;
  log_(observe::Tag::storage, observe::Level::low_level, "directory: {} accounts", directory_.accounts());
}

void AccountFeed::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, seconds(1), [this] { return stopping_; })) {
    try {
      if (store_.version() != seen_) refresh();
    } catch (const std::exception& error) {
      log_(observe::Tag::storage, observe::Level::problems, "the account store cannot be read: {}", error.what());
    }
  }
}

}  // namespace bellhop::server
