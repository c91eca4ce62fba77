#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "sip/header.hpp"
#include "sip/octets.hpp"

namespace bellhop::sip {

/// Internal to the room: a perfect hash over the long names of header fields, laid out at compile time, and for the
/// names that sixteen octets hold what a line of theirs begins with.
struct HeaderTable {
  static constexpr std::size_t count = static_cast<std::size_t>(HeaderId::count_);
  static constexpr std::size_t longest_short_name = octets::step - 1;
  static constexpr unsigned slot_bits = 9;

  std::array<HeaderId, std::size_t{1} << slot_bits> slots{};
  alignas(octets::step) std::array<std::array<char, octets::step>, count> starts{};  ///< "call-id:"; empty when longer

  /// From two letters behind the first quarter, the last two, and the size, which is two at least; the factors were
  /// found by trial, so that no two names share a slot: the table does not compile when two do.
  [[nodiscard]] static constexpr std::size_t slot_of(const char* name, std::size_t size) {
    const std::uint32_t letters = pair(name + (size - 2) / 4) | std::uint32_t{pair(name + size - 2)} << 16;
    return ((letters | 0x20202020) + static_cast<std::uint32_t>(size) * 0x19) * 0xf91d4a45u >> (32 - slot_bits);
  }

  /// The header whose name of `size` octets, 2 to longest_short_name, stands at `line` with a colon behind it; `start`
  /// are the line's first sixteen octets. Setting 0x20 folds letters; of what else it changes only CR becomes an octet
  /// of some name ("-"), and a caller has looked for control octets.
  [[nodiscard]] HeaderId short_name(const char* line, std::size_t size, octets::Sixteen start) const {
    const HeaderId id = slots[slot_of(line, size)];
    const octets::Sixteen wanted = octets::load(starts[static_cast<std::size_t>(id)].data());
    const int same = std::countr_one(octets::bits_of((start | 0x20) == wanted));
    return same > static_cast<int>(size) ? id : HeaderId::other;
  }

 private:
  [[nodiscard]] static constexpr std::uint16_t pair(const char* at) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(at[0]) | static_cast<unsigned char>(at[1]) << 8);
  }
};

extern const HeaderTable header_table;

}  // namespace bellhop::sip
