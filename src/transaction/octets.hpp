#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace bellhop::transaction {

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
