#include "transport/connections.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bellhop::transport {

namespace {

std::size_t index_of(sip::Transport transport) {
  return static_cast<std::size_t>(transport);
}

bool same_connection(const net::Flow& a, const net::Flow& b) {
  return a.stream == b.stream && a.shard == b.shard;
}

}  // namespace

const Connections::Entry* Connections::Stripe::find(const net::Flow& flow) const {
  const auto& all = entries[index_of(flow.transport)];
  const auto found = all.find(flow.remote);
  return found != all.end() && same_connection(found->second.flow, flow) ? &found->second : nullptr;
}

Connections::Facts* Connections::Stripe::facts_of(const net::Flow& flow) {
  auto& all = entries[index_of(flow.transport)];
  const auto found = all.find(flow.remote);
  if (found == all.end() || !same_connection(found->second.flow, flow)) return nullptr;
  if (!found->second.facts) found->second.facts = std::make_unique<Facts>();
  return found->second.facts.get();
}

void Connections::add(const net::Flow& flow, std::string_view server_name) {
  Entry entry{flow, nullptr};
  if (!server_name.empty()) {
    entry.facts = std::make_unique<Facts>();
    entry.facts->server_name = to_lower(server_name);
  }
  Stripe& stripe = stripe_of(flow.remote);
  const std::lock_guard lock(stripe.mutex);
  stripe.entries[index_of(flow.transport)].insert_or_assign(flow.remote, std::move(entry));
}

std::vector<std::string> Connections::remove(const net::Flow& flow) {
  const std::unique_ptr<Facts> facts = take(flow, flow.remote);
  if (!facts) return {};
  for (const Endpoint& served : facts->aliases) take(flow, served);
  return std::move(facts->users);
}

/// Takes the entry at this address out when it names this very connection.
std::unique_ptr<Connections::Facts> Connections::take(const net::Flow& flow, const Endpoint& at) {
  Stripe& stripe = stripe_of(at);
  const std::lock_guard lock(stripe.mutex);
  auto& entries = stripe.entries[index_of(flow.transport)];
  const auto found = entries.find(at);
  if (found == entries.end() || !same_connection(found->second.flow, flow)) return nullptr;
  auto facts = std::move(found->second.facts);
  entries.erase(found);
  return facts;
}

void Connections::add_alias(const net::Flow& flow, const Endpoint& served) {
  constexpr std::size_t most_aliases = 4;
  if (served == flow.remote) return;
  std::vector<std::string> identities;
  {
    Stripe& stripe = stripe_of(flow.remote);
    const std::lock_guard lock(stripe.mutex);
    const Entry* own = stripe.find(flow);
    if (own == nullptr || !own->facts || own->facts->identities.empty()) return;
    auto& aliases = own->facts->aliases;
    if (std::find(aliases.begin(), aliases.end(), served) == aliases.end()) {
      if (aliases.size() == most_aliases) return;
      aliases.push_back(served);
    }
    identities = own->facts->identities;
  }
  Stripe& stripe = stripe_of(served);
  const std::lock_guard lock(stripe.mutex);
  Entry& entry = stripe.entries[index_of(flow.transport)][served];
  // Of two connections the newer one stands for the address, but never in place of one that really leads there. When
  // this one ended between the two locks, its entry stays until the next one takes its place: Layer::is_alive() tells.
  if (entry.facts != nullptr && entry.flow.remote == served) return;
  if (entry.facts == nullptr && entry.flow.stream.valid()) return;
  entry.flow = flow;
  entry.facts = std::make_unique<Facts>();
  entry.facts->identities = std::move(identities);
}

std::optional<net::Flow> Connections::find(sip::Transport transport, const Endpoint& remote) const {
  const Stripe& stripe = stripe_of(remote);
  const std::lock_guard lock(stripe.mutex);
  const auto& entries = stripe.entries[index_of(transport)];
  const auto found = entries.find(remote);
  return found == entries.end() || found->second.flow.remote != remote  // there by an alias only
             ? std::nullopt
             : std::optional(found->second.flow);
}

std::optional<net::Flow> Connections::find(sip::Transport transport, const Endpoint& remote,
                                           std::string_view server_name) const {
  const Stripe& stripe = stripe_of(remote);
  const std::lock_guard lock(stripe.mutex);
  const auto& entries = stripe.entries[index_of(transport)];
  const auto found = entries.find(remote);
  if (found == entries.end() || !found->second.facts) return std::nullopt;
  const Facts& facts = *found->second.facts;
  const auto proves = [&](const std::string& name) { return equals_ignore_case(name, server_name); };
  if (!proves(facts.server_name) && std::none_of(facts.identities.begin(), facts.identities.end(), proves))
    return std::nullopt;
  return found->second.flow;
}

void Connections::set_identities(const net::Flow& flow, std::vector<std::string> identities) {
  Stripe& stripe = stripe_of(flow.remote);
  const std::lock_guard lock(stripe.mutex);
  if (Facts* facts = stripe.facts_of(flow)) facts->identities = std::move(identities);
}

std::vector<std::string> Connections::identities(const net::Flow& flow) const {
  const Stripe& stripe = stripe_of(flow.remote);
  const std::lock_guard lock(stripe.mutex);
  const Entry* entry = stripe.find(flow);
  return entry != nullptr && entry->facts ? entry->facts->identities : std::vector<std::string>{};
}

void Connections::note_user(const net::Flow& flow, std::string_view aor) {
  Stripe& stripe = stripe_of(flow.remote);
  const std::lock_guard lock(stripe.mutex);
  Facts* facts = stripe.facts_of(flow);
  if (facts == nullptr || std::find(facts->users.begin(), facts->users.end(), aor) != facts->users.end()) return;
  facts->users.emplace_back(aor);
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
