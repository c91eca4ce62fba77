#include "location/agents.hpp"

namespace bellhop::location {

const Agents::Entry* Agents::acquire(std::string_view text) {
  text = text.substr(0, longest);
  if (text.empty()) return nullptr;
  Stripe& stripe = stripe_of(text);
  const std::lock_guard lock(stripe.mutex);
  auto found = stripe.entries.find(text);
  if (found == stripe.entries.end()) {
    found = stripe.entries.try_emplace(std::string(text)).first;
    found->second.text_ = found->first;
  }
  ++found->second.uses_;
  return &found->second;
}

void Agents::release(const Entry* entry) {
  if (entry == nullptr) return;
  Stripe& stripe = stripe_of(entry->text());
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.entries.find(entry->text());
  if (--found->second.uses_ == 0) stripe.entries.erase(found);
}

std::size_t Agents::size() const {
  std::size_t size = 0;
  for (const Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mutex);
    size += stripe.entries.size();
  }
  return size;
}

}  // namespace bellhop::location
