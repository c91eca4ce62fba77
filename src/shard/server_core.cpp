#include "shard/server_core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "base/random.hpp"

namespace bellhop::shard {

ServerCore::ServerCore(const Environment& environment, config::SnapshotPtr config)
    : env_(environment),
      config_(std::move(config)),
      avoided_(env_.metrics),
      authenticator_(env_.directory, env_.key, env_.metrics, config_->auth.nonces_tracked),
      calls_(env_.metrics) {
  env_.metrics.computed("connections", [this] { return static_cast<std::int64_t>(connections_.size()); });
  const Shared shared{env_.log,       env_.directory, env_.table,    env_.guard, connections_,  avoided_,
                      authenticator_, calls_,         env_.resolver, env_.key,   env_.hash_seed};
  const unsigned count = shards_for(*config_);
  for (unsigned i = 0; i < count; ++i) {
    wires_.push_back(net::KernelWire::create(env_.metrics));
    shards_.push_back(std::make_unique<Shard>(static_cast<std::uint16_t>(i), *wires_.back(), shared, config_,
                                              Random::seed_from_system()));
  }
  std::vector<Shard*> peers;
  for (const auto& shard : shards_) peers.push_back(shard.get());
  for (const auto& shard : shards_) shard->set_peers(peers);
}

ServerCore::~ServerCore() {
  stop();
}

unsigned ServerCore::shards_for(const config::Snapshot& config) {
  if (config.server.workers != 0) return config.server.workers;
  return std::max(1u, std::thread::hardware_concurrency());
}

Result<void, std::string> ServerCore::check_addresses_are_free() const {
  observe::Metrics unused;
  const auto wire = net::KernelWire::create(unused);
  net::SocketOptions alone;
  alone.shared = false;
  for (const config::Listen& listen : config_->listen) {
    const auto opened = listen.transport == sip::Transport::udp ? wire->open_datagram(listen.address, alone)
                                                                : wire->listen_stream(listen.address, alone);
    if (!opened)
      return failure(fmt::format("cannot listen on {} {}: {}", sip::param_name(listen.transport),
                                 listen.address.to_string(), net::text_of(opened.error())));
  }
  return {};
}

Result<void, std::string> ServerCore::start() {
  if (auto free = check_addresses_are_free(); !free) return free;
  for (const auto& shard : shards_)
    if (auto opened = shard->open(); !opened) return opened;
  for (const auto& wire : wires_) threads_.emplace_back([&w = *wire] { w.run(); });
  std::vector<net::TurnMark*> marks;
  for (const auto& wire : wires_) marks.push_back(&wire->mark());
  watch_.emplace(std::move(marks));
  running_ = true;
  return {};
}

void ServerCore::apply(config::SnapshotPtr config) {
  config_ = config;
  for (const auto& shard : shards_) shard->post(Apply{config});
}

void ServerCore::on_each(const std::function<void(Shard&)>& visit) {
  if (!running_) return;
  for (const auto& shard : shards_) {
    auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    const bool posted = shard->post(Task{[&visit, done](Shard& s) {
      visit(s);
      done->set_value();
    }});
    if (posted) future.wait();
  }
}

void ServerCore::collect(observe::Metrics::Values& values) const {
  for (const auto& shard : shards_) shard->metrics().collect(values);
}

bool ServerCore::drain(Duration at_most) {
  on_each([](Shard& shard) { shard.start_draining(); });
  constexpr auto step = milliseconds(20);
  // Who waited for a call must wait for the ACK to its answer too: it comes through here, and if the answer was lost,
  // after its first repetition (T1). Whoever restarts us has no transaction for a later repetition and would drop it.
  constexpr auto settling = 2 * milliseconds(500);
  bool quiet = true, was_busy = false;
  Duration quiet_for{};
  for (Duration waited{}; waited <= at_most; waited += step) {
    quiet = true;
    on_each([&](Shard& shard) { quiet = quiet && shard.quiet(); });
    was_busy = was_busy || !quiet;
    quiet_for = quiet ? quiet_for + step : Duration{};
    if (quiet && (!was_busy || quiet_for > settling)) return true;
    std::this_thread::sleep_for(step);
  }
  return quiet;
}

void ServerCore::stop() {
  if (!running_) return;
  running_ = false;
  for (const auto& wire : wires_) wire->stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  watch_.reset();
}

}  // namespace bellhop::shard
