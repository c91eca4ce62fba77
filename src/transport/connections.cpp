#include "transport/connections.hpp"

#include <algorithm>
#include <utility>

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

Connections::Facts& Connections::Entry::own_facts() {
  if (!facts) facts = std::make_unique<Facts>();
  return *facts;
}

bool Connections::Entry::proves(std::string_view server_name) const {
  const auto same = [&](const std::string& name) { return equals_ignore_case(name, server_name); };
  return facts && (same(facts->server_name) || std::any_of(facts->identities.begin(), facts->identities.end(), same));
}

const Connections::Entry* Connections::Stripe::find(const net::Flow& flow) const {
  const auto& all = entries[index_of(flow.transport)];
  const auto found = all.find(flow.remote);
  if (found == all.end()) return nullptr;
  if (same_connection(found->second.flow, flow)) return &found->second;
  if (!found->second.facts) return nullptr;
  for (const Entry& other : found->second.facts->others)
    if (same_connection(other.flow, flow)) return &other;
  return nullptr;
}

Connections::Entry* Connections::Stripe::find(const net::Flow& flow) {
  return const_cast<Entry*>(std::as_const(*this).find(flow));
}

void Connections::add(const net::Flow& flow, std::string_view server_name) {
  Entry added{flow, nullptr};
  if (!server_name.empty()) added.own_facts().server_name = to_lower(server_name);
  Stripe& stripe = stripe_of(flow.remote);
  const std::lock_guard lock(stripe.mutex);
  const auto [found, alone] = stripe.entries[index_of(flow.transport)].try_emplace(flow.remote, std::move(added));
  if (alone) return;
  Entry older = std::exchange(found->second, std::move(added));
  if (older.flow.remote != flow.remote) return;  // an alias gives way
  auto& others = found->second.own_facts().others;
  if (older.facts) others = std::exchange(older.facts->others, {});
  others.push_back(std::move(older));
}

std::vector<std::string> Connections::remove(const net::Flow& flow) {
  const std::unique_ptr<Facts> facts = take(flow, flow.remote);
  if (!facts) return {};
  for (const Endpoint& served : facts->aliases) take(flow, served);
  std::vector<std::string> users(facts->users.begin(), facts->users.end());
  std::sort(users.begin(), users.end());
  return users;
}

/// Takes the entry of this very connection out of what is known of the address; of others there the newest steps in.
std::unique_ptr<Connections::Facts> Connections::take(const net::Flow& flow, const Endpoint& at) {
  Stripe& stripe = stripe_of(at);
  const std::lock_guard lock(stripe.mutex);
  auto& entries = stripe.entries[index_of(flow.transport)];
  const auto found = entries.find(at);
  if (found == entries.end()) return nullptr;
  Entry& newest = found->second;
  std::vector<Entry> others = newest.facts ? std::exchange(newest.facts->others, {}) : std::vector<Entry>{};
  std::unique_ptr<Facts> taken;
  if (same_connection(newest.flow, flow)) {
    taken = std::move(newest.facts);
    if (others.empty()) {
      entries.erase(found);
      return taken;
    }
    newest = std::move(others.back());
    others.pop_back();
  } else if (const auto other = std::find_if(others.begin(), others.end(),
                                             [&](const Entry& entry) { return same_connection(entry.flow, flow); });
             other != others.end()) {
    taken = std::move(other->facts);
    others.erase(other);
  }
  if (!others.empty()) newest.own_facts().others = std::move(others);
  return taken;
}

/// Whether requests to `served` go over this connection already.
bool Connections::leads_over(const net::Flow& flow, const Endpoint& served) const {
  const Stripe& stripe = stripe_of(served);
  const std::lock_guard lock(stripe.mutex);
  const auto& entries = stripe.entries[index_of(flow.transport)];
  const auto found = entries.find(served);
  return found != entries.end() && same_connection(found->second.flow, flow);
}

void Connections::add_alias(const net::Flow& flow, const Endpoint& served) {
  constexpr std::size_t most_aliases = 4;
  if (served == flow.remote || leads_over(flow, served)) return;  // the usual case: each request says it again
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
  if (found->second.proves(server_name)) return found->second.flow;
  const auto& others = found->second.facts->others;
  const auto other =
      std::find_if(others.rbegin(), others.rend(), [&](const Entry& entry) { return entry.proves(server_name); });
  return other == others.rend() ? std::nullopt : std::optional(other->flow);
}

bool Connections::holds(const net::Flow& flow) const {
  const Stripe& stripe = stripe_of(flow.remote);
  const std::lock_guard lock(stripe.mutex);
  return stripe.find(flow) != nullptr;
}

void Connections::set_identities(const net::Flow& flow, std::vector<std::string> identities) {
  Stripe& stripe = stripe_of(flow.remote);
  const std::lock_guard lock(stripe.mutex);
  if (Entry* entry = stripe.find(flow)) entry->own_facts().identities = std::move(identities);
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
  Entry* entry = stripe.find(flow);
  if (entry == nullptr) return;
  auto& users = entry->own_facts().users;
  if (!users.contains(aor)) users.emplace(aor);
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
