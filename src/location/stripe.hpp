#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <mutex>
#include <span>
#include <string_view>

#include "location/block.hpp"

namespace bellhop::location {

/// One of the table's many maps of address-of-record to block, with its lock. All calls but the counts with `mutex`
/// held.
class alignas(64) Stripe {
 public:
  mutable std::mutex mutex;

  [[nodiscard]] Block* find(std::uint64_t hash, std::string_view aor) const;
  /// Makes `bindings` the bindings of this address-of-record; with none it goes. Takes over the agents' uses.
  void store(std::uint64_t hash, std::string_view aor, std::span<const BindingView> bindings);

  /// Calls visit(const Block&) for each.
  template <class F>
  void for_each(F&& visit) const {
    for (const Entry& entry : blocks_) visit(*entry.block);
  }

  [[nodiscard]] std::size_t bindings() const { return bindings_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t addresses() const { return addresses_.load(std::memory_order_relaxed); }
  [[nodiscard]] TimePoint earliest() const { return earliest_; }  ///< nothing expires before
  void set_earliest(TimePoint earliest) { earliest_ = earliest; }

 private:
  struct Entry {
    mutable Block::Ptr block;  // may be exchanged in place: hash and address-of-record stay
  };
  struct Key {
    std::uint64_t hash;
    std::string_view aor;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const Entry& entry) const { return entry.block->hash(); }
    std::size_t operator()(const Key& key) const { return key.hash; }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Entry& a, const Entry& b) const { return a.block == b.block; }
    bool operator()(const Key& a, const Entry& b) const { return a.hash == b.block->hash() && a.aor == b.block->aor(); }
    bool operator()(const Entry& a, const Key& b) const { return (*this)(b, a); }
  };

  boost::unordered_flat_set<Entry, Hash, Equal> blocks_;
  std::atomic<std::uint32_t> bindings_{0}, addresses_{0};  // written under the lock, read without
  TimePoint earliest_ = never;
};

}  // namespace bellhop::location
