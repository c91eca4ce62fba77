#include "net/address_cache.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bellhop::net {

namespace {

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_label_character(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

HostKey::HostKey(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > text_.size()) return;
  std::size_t label = 0;  // where the current one begins
  for (std::size_t i = 0; i < host.size(); ++i) {
    text_[i] = lower(host[i]);
    if (text_[i] == '.') {
      if (i == label) return;
      label = i + 1;
    } else if (!is_label_character(text_[i]) || i - label >= 63) {
      return;
    }
  }
  if (label == host.size() || !is_letter(text_[label])) return;
  size_ = host.size();
}

std::size_t AddressCache::Hash::operator()(std::string_view name) const {
  return hash64(name, seed);
}

AddressCache::AddressCache(std::size_t entries, std::uint64_t hash_seed)
    : hash_{hash_seed}, half_(std::max<std::size_t>(entries / (2 * stripe_count), 1)) {
  for (Stripe& stripe : stripes_) stripe.young = stripe.old = Map(0, hash_);
}

bool AddressCache::find(std::string_view name, TimePoint now, AddressAnswer& out) {
  Stripe& stripe = stripe_of(name);
  const std::lock_guard lock(stripe.mutex);
  if (const auto found = stripe.young.find(name); found != stripe.young.end()) {
    if (found->second.valid_until <= now) return false;
    out = found->second;
    return true;
  }
  const auto found = stripe.old.find(name);
  if (found == stripe.old.end() || found->second.valid_until <= now) return false;
  out = found->second;
  put(stripe, name, out);
  return true;
}

void AddressCache::store(std::string_view name, const AddressAnswer& answer) {
  Stripe& stripe = stripe_of(name);
  const std::lock_guard lock(stripe.mutex);
  put(stripe, name, answer);
}

void AddressCache::put(Stripe& stripe, std::string_view name, const AddressAnswer& answer) {
  if (const auto found = stripe.young.find(name); found != stripe.young.end()) {
    found->second = answer;
    return;
  }
  if (stripe.young.size() >= half_) {
    stripe.old = std::move(stripe.young);
    stripe.young = Map(0, hash_);
  }
  if (const auto found = stripe.old.find(name); found != stripe.old.end()) stripe.old.erase(found);
  stripe.young.emplace(name, answer);
}

std::size_t AddressCache::size() const {
  std::size_t total = 0;
  for (const Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mutex);
    total += stripe.young.size() + stripe.old.size();
  }
  return total;
}

}  // namespace bellhop::net
