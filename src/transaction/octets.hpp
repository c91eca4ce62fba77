#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include "sip/message.hpp"

namespace bellhop::transaction {

/// For reading again what is held: it passed the limits when it came in, and what we added does not count.
inline constexpr sip::Limits no_limits{.message_size = std::numeric_limits<std::size_t>::max(),
                                       .header_block_size = std::numeric_limits<std::size_t>::max(),
                                       .header_count = std::numeric_limits<std::size_t>::max(),
                                       .via_count = std::numeric_limits<std::size_t>::max(),
                                       .route_count = std::numeric_limits<std::size_t>::max()};

/// A message held for repetition: one buffer of about its size, because thousands of them linger.
class Octets {
 public:
  [[nodiscard]] std::string_view view() const { return {text_.get(), size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  std::unique_ptr<char[]> text_;
  std::uint32_t size_ = 0, capacity_ = 0;
  friend class OctetPool;
};

/// Gives held messages their buffers, and those that are no longer needed to the next ones: a message that is held
/// takes nothing from the heap while others end.
///
/// Owner   one table. Octets that end without release() are freed.
/// Memory  up to 1 KiB the buffers are as large as those of the allocator would be; some of each size are kept.
class OctetPool {
 public:
  void hold(Octets& octets, std::string_view text) {
    const std::size_t size_class = class_of(text.size());
    if (octets.capacity_ != size_class * step) {
      release(octets);
      octets.text_ = take(size_class);
      octets.capacity_ = static_cast<std::uint32_t>(size_class * step);
    }
    std::memcpy(octets.text_.get(), text.data(), text.size());
    octets.size_ = static_cast<std::uint32_t>(text.size());
  }
  void release(Octets& octets) {
    const std::size_t size_class = octets.capacity_ / step;
    if (size_class > 0 && size_class < shelves_.size() && shelves_[size_class].count < most_spare) {
      Shelf& shelf = shelves_[size_class];
      shelf.buffers[shelf.count++] = std::move(octets.text_);
    }
    octets.text_.reset();
    octets.size_ = octets.capacity_ = 0;
  }

 private:
  using Buffer = std::unique_ptr<char[]>;
  static constexpr std::size_t step = 64;
  static constexpr std::size_t most_spare = 64;  ///< as many as one batch of datagrams may end before others begin
  struct Shelf {
    std::array<Buffer, most_spare> buffers;
    std::size_t count = 0;
  };

  /// In steps; above 512 octets those of the allocator are twice as long.
  [[nodiscard]] static constexpr std::size_t class_of(std::size_t size) {
    const std::size_t steps = (size + step - 1) / step;
    return steps <= 8 ? steps : (steps + 1) / 2 * 2;
  }
  [[nodiscard]] Buffer take(std::size_t size_class) {
    if (size_class >= shelves_.size() || shelves_[size_class].count == 0)
      return std::make_unique_for_overwrite<char[]>(size_class * step);
    Shelf& shelf = shelves_[size_class];
    return std::move(shelf.buffers[--shelf.count]);
  }

  std::array<Shelf, 33> shelves_;  ///< by size: of up to 2 KiB
};

}  // namespace bellhop::transaction
