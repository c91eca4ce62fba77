#include "server/assembly.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>

#include "admin/control_socket.hpp"
#include "admin/operator_commands.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "guard/guard.hpp"
#include "location/table.hpp"
#include "net/clock.hpp"
#include "net/resolver.hpp"
#include "routing/address.hpp"
#include "server/account_feed.hpp"
#include "server/certificates.hpp"
#include "server/configuration.hpp"
#include "server/console.hpp"
#include "server/data_dir.hpp"
#include "server/guard_store.hpp"
#include "server/memory.hpp"
#include "server/monitor.hpp"
#include "server/process.hpp"
#include "shard/server_core.hpp"
#include "sip/uri.hpp"
#include "storage/accounts.hpp"
#include "storage/directory.hpp"
#include "transport/guard_rules.hpp"

namespace bellhop::server {

namespace {

using admin::Json;
using observe::Level;
using observe::Tag;

net::DnsSettings dns_settings(const config::Dns& dns) {
  net::DnsSettings out;
  out.servers = dns.servers;
  out.timeout = dns.timeout;
  out.in_flight = dns.in_flight;
  out.negative_ttl = dns.negative_ttl;
  return out;
}

std::string listeners_in_words(const config::Snapshot& config) {
  std::string out;
  for (const config::Listen& l : config.listen)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", sip::param_name(l.transport), l.address.to_string());
  return out;
}

/// The key under which the bindings of an operator's "alice@example.org" or "sip:alice@example.org" are kept.
std::optional<std::string> binding_key(std::string_view address, const config::Snapshot& config,
                                       const storage::Directory& directory) {
  const std::string text =
      address.find(':') == std::string_view::npos ? fmt::format("sip:{}", address) : std::string(address);
  const auto uri = sip::parse_uri(text);
  if (!uri || uri->scheme == sip::Scheme::other) return std::nullopt;
  const auto found = routing::resolve_address(*uri, config, directory);
  if (!found || !found->local() || found->user.empty()) return std::nullopt;
  return routing::binding_key(found->user, found->local_name(), config.registrar);
}

/// The whole server, from the bottom floor up: members are built in the order in which they are declared, and go in the
/// reverse order.
class Assembly {
 public:
  Assembly(const std::string& file, const config::SnapshotPtr& config, Certificates& certificates)
      : data_(config->server.data_dir),
        lock_(data_.lock()),
        log_(observe::standard_error_sink()),
        store_(storage::open_sqlite_accounts(data_.accounts())),
        feed_(*store_, directory_, *config, log_),
        hash_seed_(Random::seed_from_system()),
        guard_(log_, metrics_, hash_seed_),
        guard_store_(data_.guard(), guard_, log_),
        table_(metrics_, hash_seed_),
        resolver_(net::make_dns_resolver(dns_settings(config->dns))),
        core_({log_, directory_, table_, guard_, *resolver_, metrics_, data_.key(), hash_seed_}, config),
        configuration_(file, config, certificates, log_,
                       [this](const config::SnapshotPtr& next) { apply(*next, next); }),
        started_(net::clock_now()) {
    apply_levels(log_, config->log);
    guard_store_.load(started_);
    add_memory_gauges(metrics_);
    metrics_.computed("log.dropped", [this] { return static_cast<std::int64_t>(log_.dropped()); });
    metrics_.computed("storage.accounts", [this] { return static_cast<std::int64_t>(directory_.accounts()); });
    if (config->tls_context)
      metrics_.computed("tls.days_to_expiry",
                        [this] { return days_to_expiry(*configuration_.now(), net::clock_now()).value_or(0); });
    if (config->registrar.journal) {
      storage::Journal::Settings journal;
      journal.path = data_.bindings();
      // One lane more than there are shards: the operator's changes come from admin threads.
      table_.open_journal(journal, core_.shards() + 1, log_, metrics_, started_);
    }
    admin::add_operator_commands(commands_, doors());
  }

  /// Opens the doors: after this the server takes traffic.
  void start() {
    if (const auto started = core_.start(); !started) throw std::runtime_error(started.error());
    const config::SnapshotPtr config = configuration_.now();
    control_.emplace(config->admin.socket, commands_);
    if (config->admin.http) console_.emplace(*config->admin.http, commands_, [this] { return collect(); }, metrics_);
    const std::string ready = fmt::format("bellhop {} ready: {}, {} shards, {} bindings\n", version(),
                                          listeners_in_words(*config), core_.shards(), table_.bindings());
    std::fputs(ready.c_str(), stderr);
  }

  void reload() { (void)configuration_.reload(); }

  /// What a running server has to look at by itself, every few seconds.
  void look_around() {
    configuration_.look_at_certificates();
    const TimePoint now = net::clock_now();
    guard_store_.save(now);
    if (now < next_day_) return;
    if (next_day_ != TimePoint{}) configuration_.renew_ticket_keys();  // not at start: they are fresh
    next_day_ = now + hours(24);
    warn_of_dates(*configuration_.now(), now, log_);
  }

  void drain_and_stop() {
    draining_ = true;
    log_(Tag::server, Level::major, "draining");
    const bool all_ended = core_.drain(configuration_.now()->server.drain_timeout);
    // The admin side waits for answers of the shards, so it ends before they do.
    console_.reset();
    control_.reset();
    core_.stop();
    resolver_.reset();  // before the shards that asked it
    table_.flush_journal();
    guard_store_.save(net::clock_now(), /*at_end=*/true);
    log_(Tag::server, Level::major, "stopped{}", all_ended ? "" : "; some calls were still being set up");
    log_.flush();
  }

 private:
  void apply(const config::Snapshot& next, const config::SnapshotPtr& pointer) {
    feed_.configure(next);
    core_.apply(pointer);
  }

  observe::Metrics::Values collect() const {
    observe::Metrics::Values values;
    metrics_.collect(values);
    core_.collect(values);
    return values;
  }

  Json status() const {
    const config::SnapshotPtr config = configuration_.now();
    const auto values = collect();
    const auto gauge = [&](const char* name) {
      const auto found = values.gauges.find(name);
      return found == values.gauges.end() ? std::int64_t{0} : found->second;
    };
    return Json()
        .set("version", version())
        .set("state", draining_ ? "draining" : "running")
        .set("since", admin::utc_text(started_))
        .set("uptime", admin::short_duration(net::clock_now() - started_))
        .set("configuration", config->file)
        .set("listeners", listeners_in_words(*config))
        .set("shards", core_.shards())
        .set("domains", config->domains.size())
        .set("accounts", directory_.accounts())
        .set("bindings", table_.bindings())
        .set("registered_users", table_.addresses())
        .set("server_transactions", gauge("transactions.server"))
        .set("client_transactions", gauge("transactions.client"))
        .set("memory_in_use_bytes", gauge("memory.in_use_bytes"));
  }

  admin::Doors doors() {
    return {.log = log_,
            .bindings = table_,
            .guard = guard_,
            .guard_rules = [this] { return transport::rules_of(*configuration_.now()); },
            .now = net::clock_now,
            .status = [this] { return status(); },
            .collect = [this] { return collect(); },
            .binding_key = [this](std::string_view a) { return binding_key(a, *configuration_.now(), directory_); },
            .transactions = [this](std::string_view f, std::size_t n) { return transaction_rows(core_, f, n); },
            .trace = [this](const std::string& filter) { return traced(core_, filter); },
            .dump_call_packets =
                [this](bool on) { core_.on_each([on](shard::Shard& s) { s.tap().set_dump_call_packets(on); }); },
            .reload = [this] { return configuration_.reload(); },
            .drain = [] { Signals::ask_to_stop(); },
            .accounts_changed = [this] { feed_.look_now(); }};
  }

  DataDir data_;
  DataDir::Lock lock_;
  observe::Metrics metrics_;
  observe::Log log_;
  std::unique_ptr<storage::AccountStore> store_;
  storage::Directory directory_;
  AccountFeed feed_;
  const std::uint64_t hash_seed_;
  guard::Guard guard_;
  GuardStore guard_store_;
  location::Table table_;
  std::unique_ptr<net::Resolver> resolver_;
  shard::ServerCore core_;
  Configuration configuration_;
  const TimePoint started_;
  TimePoint next_day_{};
  std::atomic<bool> draining_{false};
  admin::Commands commands_;
  std::optional<admin::ControlSocket> control_;
  std::optional<Console> console_;
};

}  // namespace

const char* version() {
  return BELLHOP_VERSION;
}

ExitStatus serve(const std::string& config_file) {
  prepare_process();
  Certificates certificates;
  const config::SnapshotPtr config = read_configuration(config_file, certificates);
  if (!config) return ExitStatus::failed;
  for (const std::string& warning : config->warnings) std::fprintf(stderr, "%s\n", warning.c_str());
  try {
    Signals signals;  // before any thread, so that all of them leave the signals to this one
    Assembly server(config_file, config, certificates);
    server.start();
    for (bool stop = false; !stop;) {
      server.look_around();
      const auto wish = signals.wait(seconds(2));
      if (wish == Signals::Wish::reload) server.reload();
      stop = wish == Signals::Wish::stop;
    }
    server.drain_and_stop();
    return ExitStatus::done;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bellhop: %s\n", error.what());
    return ExitStatus::failed;
  }
}

}  // namespace bellhop::server
