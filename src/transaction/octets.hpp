#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

#include "sip/message.hpp"

namespace bellhop::transaction {

/// For reading again what is held: it passed the limits when it came in, and what we added does not count.
inline constexpr sip::Limits no_limits{.message_size = std::numeric_limits<std::size_t>::max(),
                                       .header_block_size = std::numeric_limits<std::size_t>::max(),
                                       .header_count = std::numeric_limits<std::size_t>::max(),
                                       .via_count = std::numeric_limits<std::size_t>::max(),
                                       .route_count = std::numeric_limits<std::size_t>::max()};

/// A message held for repetition: one allocation of exactly its size, because thousands of them linger.
class Octets {
 public:
  Octets() = default;
  explicit Octets(std::string_view text)
      : text_(std::make_unique_for_overwrite<char[]>(text.size())), size_(static_cast<std::uint32_t>(text.size())) {
    std::memcpy(text_.get(), text.data(), text.size());
  }

  [[nodiscard]] std::string_view view() const { return {text_.get(), size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() {
    text_.reset();
    size_ = 0;
  }

 private:
  std::unique_ptr<char[]> text_;
  std::uint32_t size_ = 0;
};

}  // namespace bellhop::transaction
