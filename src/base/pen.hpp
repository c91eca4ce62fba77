#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/copy_octets.hpp"

namespace bellhop {

/// Writes a text piece by piece where there is room for all of it.
class Pen {
 public:
  explicit Pen(char* at) : at_(at) {}

  void put(std::string_view text) { at_ = copy_octets(text, at_); }
  /// A constant: its size is known, so that this is a store or two.
  template <std::size_t size>
  void put(const char (&text)[size]) {
    std::memcpy(at_, text, size - 1);
    at_ += size - 1;
  }
  void put(char c) { *at_++ = c; }
  [[nodiscard]] char* at() const { return at_; }
  /// What stands here was written by somebody else, up to `at`.
  void go_on_at(char* at) { at_ = at; }

 private:
  char* at_;
};

}  // namespace bellhop
