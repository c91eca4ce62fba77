#include <map>

#include "net/address_cache.hpp"
#include "net/simulated_network.hpp"

namespace bellhop::net {

namespace {

constexpr Duration time_to_live = seconds(60), negative_time_to_live = seconds(30);

class SimulatedResolver final : public Resolver {
 public:
  explicit SimulatedResolver(std::shared_ptr<SimulatedNetwork> network)
      : network_(std::move(network)), cache_(std::make_shared<Cache>()) {}

  bool cached(std::string_view host, TimePoint now, AddressAnswer& out) override {
    if (const auto literal = IpAddress::parse(host)) {
      out = {true, {*literal}, never};
      return true;
    }
    const HostKey name(host);
    if (!name.valid()) {
      out = {false, {}, never};
      return true;
    }
    const auto found = cache_->find(name.view());
    if (found == cache_->end() || found->second.valid_until <= now) return false;
    out = found->second;
    return true;
  }

  void ask(std::string_view host, Asker& asker, std::uint64_t key, TimePoint now) override {
    if (AddressAnswer ready; cached(host, now, ready)) {
      network_->schedule(now, [weak = std::weak_ptr(cache_), &asker, key, ready] {
        if (!weak.expired()) asker.on_addresses(key, ready);
      });
      return;
    }
    network_->schedule(now + network_->dns_delay, [network = network_.get(), weak = std::weak_ptr(cache_),
                                                   name = std::string(HostKey(host).view()), &asker, key] {
      const auto cache = weak.lock();
      if (!cache) return;
      AddressAnswer answer;
      if (const auto known = network->hosts.find(name); known != network->hosts.end()) answer.addresses = known->second;
      answer.found = !answer.addresses.empty();
      answer.valid_until = network->now() + (answer.found ? time_to_live : negative_time_to_live);
      (*cache)[name] = answer;
      asker.on_addresses(key, std::move(answer));
    });
  }

 private:
  using Cache = std::map<std::string, AddressAnswer, std::less<>>;
  std::shared_ptr<SimulatedNetwork> network_;
  std::shared_ptr<Cache> cache_;  ///< gone when the resolver is: questions under way notice
};

}  // namespace

std::unique_ptr<Resolver> make_simulated_resolver(std::shared_ptr<SimulatedNetwork> network) {
  return std::make_unique<SimulatedResolver>(std::move(network));
}

}  // namespace bellhop::net
