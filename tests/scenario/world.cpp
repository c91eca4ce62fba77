#include "world.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "config/loader.hpp"

namespace bellhop::scenario {

namespace {

class KeepingSink : public observe::Log::Sink {
 public:
  explicit KeepingSink(std::shared_ptr<std::vector<std::string>> lines) : lines_(std::move(lines)) {}
  void line(std::string_view text) override { lines_->emplace_back(text); }

 private:
  std::shared_ptr<std::vector<std::string>> lines_;
};

config::SnapshotPtr load(const std::string& toml) {
  auto loaded = config::load_text(toml, "scenario.toml");
  if (loaded) return *loaded;
  for (const config::Fault& fault : loaded.error()) ADD_FAILURE() << fault.to_string();
  return std::make_shared<config::Snapshot>();
}

/// Every server has a key of its own: another one's Route tokens mean nothing to it.
crypto::Key key_of(const Endpoint& address) {
  crypto::Key key{};
  key[0] = address.address.octets()[2];
  key[1] = address.address.octets()[3];
  return key;
}

std::string first_words(std::string_view octets) {
  const std::string_view line = octets.substr(0, octets.find('\r'));
  sip::Message message;
  if (!message.parse(octets, sip::Limits{}, false)) return fmt::format("? {}", line.substr(0, 40));
  if (message.is_request()) return std::string(message.method_text());
  return fmt::format("{} {}", message.status().value, message.cseq().method_text);
}

}  // namespace

storage::Directory::Contents contents_of(const config::Snapshot& config) {
  storage::Directory::Contents contents;
  for (const config::StaticAccount& account : config.accounts) {
    contents.accounts.push_back({account.user, account.domain, account.sip});
    const auto add = [&](std::string_view name) {
      for (auto& credential : storage::make_credentials(name, account.domain, account.user, account.password))
        contents.credentials.push_back(std::move(credential));
    };
    add(account.user);
    for (const std::string& alias : account.aliases) {
      add(alias);
      contents.aliases.push_back({alias, account.domain, account.user});
    }
  }
  for (const config::StaticAlias& alias : config.aliases) contents.aliases.push_back({alias.name, alias.domain, alias.target});
  return contents;
}

std::string World::default_config(std::string_view more, std::string_view domain_lines, std::string_view domain, std::string_view address) {
  std::string accounts;
  for (const char* user : {"alice", "bob", "carol", "dave"})
    accounts += fmt::format("[[account]]\nuser = \"{0}\"\ndomain = \"{1}\"\npassword = \"pw-{0}\"\n", user, domain);
  return fmt::format(R"([server]
data_dir = "/nonexistent/scenario"
[log]
trace_ring = "64MiB"
[[listen]]
transport = "udp"
address = "{0}"
[[listen]]
transport = "tcp"
address = "{0}"
[[domain]]
name = "{1}"
{2}{3}[guard]
exempt = ["127.0.0.0/8"]
{4})",
                     address, domain, domain_lines, accounts, more);
}

World::World(const Options& options)
    : domain(options.domain),
      address(*Endpoint::parse(options.address)),
      log_lines_(std::make_shared<std::vector<std::string>>()),
      net_(options.beside != nullptr ? options.beside->net_ : std::make_shared<net::Simulation>(options.seed)),
      config_(load(options.config.empty() ? default_config({}, {}, options.domain, options.address) : options.config)),
      log_(std::make_unique<KeepingSink>(log_lines_)),
      table_(metrics_, options.seed),
      guard_(metrics_, options.seed),
      key_(key_of(address)),
      authenticator_(directory_, key_, metrics_, config_->auth.nonces_tracked),
      resolver_(net_->make_resolver()) {
  if (options.beside == nullptr) net_->set_weather(options.weather);
  net_->add_host(domain, address.address);
  directory_.replace(contents_of(*config_));
  const shard::Shared shared{log_, directory_, table_, guard_, connections_, authenticator_, *resolver_, key_, options.seed};
  std::vector<shard::Shard*> peers;
  for (unsigned i = 0; i < options.shards; ++i) {
    wires_.push_back(net_->make_wire());
    shards_.push_back(std::make_unique<shard::Shard>(static_cast<std::uint16_t>(i), *wires_.back(), shared, config_, options.seed + i));
    peers.push_back(shards_.back().get());
  }
  for (const auto& shard : shards_) {
    shard->set_peers(peers);
    const auto opened = shard->open();
    EXPECT_TRUE(opened) << (opened ? "" : opened.error());
  }
}

World::~World() = default;

namespace {
constexpr const char* address_v6 = "[fd00::1]:5060";
}

Endpoint World::address_for(const Endpoint& party) const { return party.address.is_v6() ? *Endpoint::parse(address_v6) : address; }

std::string World::dual_stack() {
  return fmt::format("[[listen]]\ntransport = \"udp\"\naddress = \"{0}\"\n[[listen]]\ntransport = \"tcp\"\naddress = \"{0}\"\n", address_v6);
}

void World::apply(const std::string& toml) {
  config_ = load(toml);
  directory_.replace(contents_of(*config_));
  for (const auto& shard : shards_) shard->post(shard::Apply{config_});
  run_for(milliseconds(1));
}

std::vector<std::string> World::arrows() {
  using Direction = observe::Tap::Direction;
  std::vector<observe::Tap::Entry> entries;
  for (const auto& shard : shards_)
    for (auto& entry : shard->tap().find({})) entries.push_back(std::move(entry));
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  std::vector<std::string> lines;
  for (const auto& entry : entries) {
    if (entry.time < arrows_from_) continue;
    const auto known = names_.find(entry.remote);
    const std::string party = known != names_.end() ? known->second : entry.remote.to_string();
    lines.push_back(fmt::format("{} {} {}", party, entry.direction == Direction::received ? "->" : "<-", first_words(entry.octets)));
  }
  arrows_from_ = net_->now() + microseconds(1);
  return lines;
}

std::vector<std::string> World::distinct_arrows() {
  std::vector<std::string> distinct;
  for (std::string& line : arrows())
    if (std::find(distinct.begin(), distinct.end(), line) == distinct.end()) distinct.push_back(std::move(line));
  return distinct;
}

observe::Metrics::Values World::values() const {
  observe::Metrics::Values values;
  metrics_.collect(values);
  for (const auto& shard : shards_) shard->metrics().collect(values);
  return values;
}

std::uint64_t World::counter(std::string_view name) const {
  const auto all = values().counters;
  const auto found = all.find(std::string(name));
  return found == all.end() ? 0 : found->second;
}

std::int64_t World::gauge(std::string_view name) const {
  const auto all = values().gauges;
  const auto found = all.find(std::string(name));
  return found == all.end() ? 0 : found->second;
}

std::size_t World::transactions() const {
  std::size_t n = 0;
  for (const auto& shard : shards_) n += shard->servers().size() + shard->clients().size();
  return n;
}

std::size_t World::forks() const {
  std::size_t n = 0;
  for (const auto& shard : shards_) n += shard->proxy().forks();
  return n;
}

}  // namespace bellhop::scenario
