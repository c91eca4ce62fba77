#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/text_hash.hpp"

namespace bellhop::location {

/// User-Agent texts, each kept once however many bindings share it: a fleet of phones has a handful of them. A text
/// goes when its last binding does, so a peer that invents new ones holds no more memory than its bindings.
///
/// Threads  any; a text may be read without lock for as long as one holds a use of it.
class Agents {
 public:
  class Entry {
   public:
    [[nodiscard]] std::string_view text() const { return text_; }

   private:
    std::string_view text_;  // the key of the map it lives in
    std::uint32_t uses_ = 0;
    friend class Agents;
  };

  static constexpr std::size_t longest = 255;  ///< what is kept of a text

  /// Null for an empty text.
  [[nodiscard]] const Entry* acquire(std::string_view text);
  void release(const Entry* entry);
  [[nodiscard]] static std::string_view text_of(const Entry* entry) {
    return entry == nullptr ? std::string_view() : entry->text();
  }
  [[nodiscard]] std::size_t size() const;

 private:
  struct Stripe {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Entry, TextHash, std::equal_to<>> entries;  // nodes: an Entry keeps its address
  };
  [[nodiscard]] Stripe& stripe_of(std::string_view text) { return stripes_[TextHash{}(text) % stripes_.size()]; }

  std::array<Stripe, 16> stripes_;
};

}  // namespace bellhop::location
