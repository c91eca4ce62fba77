#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/resolver.hpp"

namespace bellhop::net {

/// A host name as a key: lower case, without the final dot. Invalid when no DNS could know it (RFC 3261 `hostname`: 253
/// characters, labels of 1 to 63 letters, digits, '-' and '_', the last one beginning with a letter), so junk never
/// becomes a question.
class HostKey {
 public:
  explicit HostKey(std::string_view host);
  [[nodiscard]] bool valid() const { return size_ > 0; }
  [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, 253> text_;
  std::size_t size_ = 0;
};

/// Answers by name, shared by all shards. Bounded without a list of ages: when the young half is full it becomes the
/// old one and the old one is forgotten; what is found in the old half is young again.
///
/// Threads  any; a striped lock is held for one look-up.
class AddressCache {
 public:
  AddressCache(std::size_t entries, std::uint64_t hash_seed);

  /// Only an answer that is valid after `now`.
  [[nodiscard]] bool find(std::string_view name, TimePoint now, AddressAnswer& out);
  void store(std::string_view name, const AddressAnswer& answer);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Hash {
    using is_transparent = void;
    Hash() : seed(0) {}
    explicit Hash(std::uint64_t chosen) : seed(chosen) {}
    std::uint64_t seed;
    std::size_t operator()(std::string_view name) const;
  };
  using Map = std::unordered_map<std::string, AddressAnswer, Hash, std::equal_to<>>;
  struct Stripe {
    mutable std::mutex mutex;
    Map young, old;
  };
  static constexpr std::size_t stripe_count = 16;

  [[nodiscard]] Stripe& stripe_of(std::string_view name) { return stripes_[hash_(name) % stripe_count]; }
  void put(Stripe& stripe, std::string_view name, const AddressAnswer& answer);

  Hash hash_;
  std::size_t half_;  ///< entries of one half of one stripe
  std::array<Stripe, stripe_count> stripes_;
};

}  // namespace bellhop::net
