#include "location/stripe.hpp"

#include <algorithm>

namespace bellhop::location {

Block* Stripe::find(std::uint64_t hash, std::string_view aor) const {
  const auto found = blocks_.find(Key{hash, aor});
  if (found == blocks_.end()) return nullptr;
  found->block->prefetch();
  return found->block.get();
}

void Stripe::store(std::uint64_t hash, std::string_view aor, std::span<const BindingView> bindings) {
  const auto found = blocks_.find(Key{hash, aor});
  std::size_t before = 0;
  if (found != blocks_.end()) before = found->block->count();
  for (const BindingView& binding : bindings) earliest_ = std::min(earliest_, binding.expires);
  if (bindings.empty()) {
    if (found != blocks_.end()) blocks_.erase(found);
  } else {
    Block::Ptr block = Block::make(hash, aor, bindings);
    if (found == blocks_.end())
      blocks_.insert(Entry{std::move(block)});
    else
      found->block = std::move(block);
  }
  bindings_.store(static_cast<std::uint32_t>(bindings_ + bindings.size() - before), std::memory_order_relaxed);
  addresses_.store(static_cast<std::uint32_t>(blocks_.size()), std::memory_order_relaxed);
}

}  // namespace bellhop::location
