#include "transport/connections.hpp"

namespace bellhop::transport {

void Connections::add(const net::Flow& flow) {
  Stripe& stripe = stripe_of(flow.remote);
  const std::lock_guard lock(stripe.mutex);
  stripe.flows[static_cast<std::size_t>(flow.transport)].insert_or_assign(flow.remote, flow);
}

void Connections::remove(const net::Flow& flow) {
  Stripe& stripe = stripe_of(flow.remote);
  const std::lock_guard lock(stripe.mutex);
  auto& flows = stripe.flows[static_cast<std::size_t>(flow.transport)];
  const auto found = flows.find(flow.remote);
  if (found != flows.end() && found->second.stream == flow.stream && found->second.shard == flow.shard) flows.erase(found);
}

std::optional<net::Flow> Connections::find(sip::Transport transport, const Endpoint& remote) const {
  const Stripe& stripe = stripe_of(remote);
  const std::lock_guard lock(stripe.mutex);
  const auto& flows = stripe.flows[static_cast<std::size_t>(transport)];
  const auto found = flows.find(remote);
  return found == flows.end() ? std::nullopt : std::optional(found->second);
}

bool Connections::admit(const IpAddress& address, std::size_t limit, std::size_t limit_per_address) {
  const std::lock_guard lock(admission_);
  if (count_ >= limit) return false;
  std::size_t& here = per_address_[Endpoint{address, 0}];
  if (here >= limit_per_address) return false;
  ++here;
  ++count_;
  return true;
}

void Connections::leave(const IpAddress& address) {
  const std::lock_guard lock(admission_);
  --count_;
  const auto found = per_address_.find(Endpoint{address, 0});
  if (found != per_address_.end() && --found->second == 0) per_address_.erase(found);
}

std::size_t Connections::size() const {
  const std::lock_guard lock(admission_);
  return count_;
}

}  // namespace bellhop::transport
