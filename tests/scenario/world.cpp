#include "world.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "config/loader.hpp"
#include "net/simulated_wire.hpp"
#include "shard/shard.hpp"
#include "storage/directory.hpp"

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

storage::Directory::Contents contents_of(const config::Snapshot& config) {
  storage::Directory::Contents contents;
  for (const config::StaticAccount& account : config.accounts) {
    contents.accounts.push_back(
        {account.user, account.domain, account.sip, {account.groups, account.identities, account.blocked}});
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
  for (const config::StaticAlias& alias : config.aliases)
    contents.aliases.push_back({alias.name, alias.domain, alias.target});
  return contents;
}

}  // namespace

std::string World::default_config(std::string_view more, std::string_view domain_lines, std::string_view domain,
                                  std::string_view address) {
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

std::string World::guarded(std::string_view guard_lines, std::string_view more) {
  std::string config = default_config(more);
  constexpr std::string_view exempt = "exempt = [\"127.0.0.0/8\"]\n";
  return config.replace(config.find(exempt), exempt.size(), guard_lines);
}

struct World::Inside {
  Inside(const Options& options, const Endpoint& address)
      : log_lines(std::make_shared<std::vector<std::string>>()),
        net(options.beside != nullptr ? options.beside->inside_->net : std::make_shared<net::Simulation>(options.seed)),
        config(load(options.config.empty() ? default_config({}, {}, options.domain, options.address) : options.config)),
        log(std::make_unique<KeepingSink>(log_lines)),
        table(metrics, options.seed),
        guard(log, metrics, options.seed),
        avoided(metrics),
        key(key_of(address)),
        authenticator(directory, key, metrics, config->auth.nonces_tracked),
        calls(metrics),
        resolver(net->make_resolver()) {}

  [[nodiscard]] observe::Metrics::Values values() const;
  [[nodiscard]] std::vector<observe::Tap::Entry> entries() const;
  [[nodiscard]] std::string arrow_of(const observe::Tap::Entry& entry) const;

  std::shared_ptr<std::vector<std::string>> log_lines;
  std::shared_ptr<net::Simulation> net;
  config::SnapshotPtr config;
  observe::Log log;
  observe::Metrics metrics;
  storage::Directory directory;
  location::Table table;
  guard::Guard guard;
  transport::Connections connections;
  transport::Avoided avoided;
  crypto::Key key{};
  auth::Authenticator authenticator;
  dialog::Calls calls;
  std::unique_ptr<net::Resolver> resolver;
  std::vector<std::unique_ptr<net::Wire>> wires;
  std::vector<std::unique_ptr<shard::Shard>> shards;
  std::map<Endpoint, std::string> names;
  TimePoint arrows_from{};
};

World::World(const Options& options)
    : domain(options.domain),
      address(*Endpoint::parse(options.address)),
      inside_(std::make_unique<Inside>(options, address)) {
  Inside& in = *inside_;
  if (options.beside == nullptr) in.net->set_weather(options.weather);
  in.net->add_host(domain, address.address);
  in.directory.replace(contents_of(*in.config));
  const shard::Shared shared{in.log,           in.directory, in.table,     in.guard, in.connections, in.avoided,
                             in.authenticator, in.calls,     *in.resolver, in.key,   options.seed};
  std::vector<shard::Shard*> peers;
  for (unsigned i = 0; i < options.shards; ++i) {
    inside_->wires.push_back(inside_->net->make_wire());
    inside_->shards.push_back(std::make_unique<shard::Shard>(static_cast<std::uint16_t>(i), *inside_->wires.back(),
                                                             shared, inside_->config, options.seed + i));
    peers.push_back(inside_->shards.back().get());
  }
  for (const auto& shard : inside_->shards) {
    shard->set_peers(peers);
    const auto opened = shard->open();
    EXPECT_TRUE(opened) << (opened ? "" : opened.error());
  }
}

World::~World() = default;

net::Simulation& World::net() {
  return *inside_->net;
}
shard::Shard& World::shard(std::size_t i) {
  return *inside_->shards[i];
}
std::size_t World::shards() const {
  return inside_->shards.size();
}
location::Table& World::table() {
  return inside_->table;
}
void World::name(const Endpoint& endpoint, std::string party) {
  inside_->names[endpoint] = std::move(party);
}
const std::vector<std::string>& World::log_lines() const {
  inside_->log.flush();  // its side thread writes them
  return *inside_->log_lines;
}

namespace {
constexpr const char* address_v6 = "[fd00::1]:5060";
}

Endpoint World::address_for(const Endpoint& party) const {
  return party.address.is_v6() ? *Endpoint::parse(address_v6) : address;
}

std::string World::dual_stack() {
  return fmt::format(
      "[[listen]]\ntransport = \"udp\"\naddress = \"{0}\"\n[[listen]]\ntransport = \"tcp\"\naddress = \"{0}\"\n",
      address_v6);
}

void World::set_queue_delay(Duration delay) {
  for (const auto& wire : inside_->wires) dynamic_cast<net::SimulatedWire&>(*wire).set_queue_delay(delay);
}

void World::apply(const std::string& toml) {
  inside_->config = load(toml);
  inside_->directory.replace(contents_of(*inside_->config));
  for (const auto& shard : inside_->shards) shard->post(shard::Apply{inside_->config});
  run_for(milliseconds(1));
}

void World::store_account(std::string_view user, std::string_view in_domain, std::string_view password) {
  auto contents = contents_of(*inside_->config);
  contents.domains.emplace_back(in_domain);
  contents.accounts.push_back({std::string(user), std::string(in_domain), true});
  for (auto& credential : storage::make_credentials(user, in_domain, user, password))
    contents.credentials.push_back(std::move(credential));
  inside_->directory.replace(std::move(contents));
}

std::vector<observe::Tap::Entry> World::Inside::entries() const {
  std::vector<observe::Tap::Entry> entries;
  for (const auto& shard : shards)
    for (auto& entry : shard->tap().find({})) entries.push_back(std::move(entry));
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  return entries;
}

std::string World::Inside::arrow_of(const observe::Tap::Entry& entry) const {
  const auto known = names.find(entry.remote);
  const std::string party = known != names.end() ? known->second : entry.remote.to_string();
  const bool received = entry.direction == observe::Tap::Direction::received;
  return fmt::format("{} {} {}", party, received ? "->" : "<-", first_words(entry.octets));
}

std::vector<std::string> World::arrows() {
  std::vector<std::string> lines;
  for (const auto& entry : inside_->entries())
    if (entry.time >= inside_->arrows_from) lines.push_back(inside_->arrow_of(entry));
  inside_->arrows_from = inside_->net->now() + microseconds(1);
  return lines;
}

std::vector<TimePoint> World::times_of(std::string_view arrow) const {
  std::vector<TimePoint> times;
  for (const auto& entry : inside_->entries())
    if (inside_->arrow_of(entry) == arrow) times.push_back(entry.time);
  return times;
}

std::vector<std::string> World::distinct_arrows() {
  std::vector<std::string> distinct;
  for (std::string& line : arrows())
    if (std::find(distinct.begin(), distinct.end(), line) == distinct.end()) distinct.push_back(std::move(line));
  return distinct;
}

observe::Metrics::Values World::Inside::values() const {
  observe::Metrics::Values values;
  metrics.collect(values);
  for (const auto& shard : shards) shard->metrics().collect(values);
  return values;
}

std::uint64_t World::counter(std::string_view name) const {
  const auto all = inside_->values().counters;
  const auto found = all.find(std::string(name));
  return found == all.end() ? 0 : found->second;
}

std::int64_t World::gauge(std::string_view name) const {
  const auto all = inside_->values().gauges;
  const auto found = all.find(std::string(name));
  return found == all.end() ? 0 : found->second;
}

std::size_t World::transactions() const {
  std::size_t n = 0;
  for (const auto& shard : inside_->shards) n += shard->servers().size() + shard->clients().size();
  return n;
}

std::size_t World::forks() const {
  std::size_t n = 0;
  for (const auto& shard : inside_->shards) n += shard->proxy().forks();
  return n;
}

}  // namespace bellhop::scenario
