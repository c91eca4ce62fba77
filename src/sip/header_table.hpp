#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/text.hpp"
#include "sip/header.hpp"
#include "sip/octets.hpp"

namespace bellhop::sip {

/// Internal to the room: a perfect hash over the names of header fields and their compact forms, laid out at compile
/// time. A name is known by how a line of it begins: the first sixteen octets of "name:" in lower case, zeros behind
/// the colon. No two names have these in common.
struct HeaderTable {
  using Start = std::array<char, octets::step>;
  static constexpr std::size_t longest_short_name = octets::step - 1;  ///< with its colon it fills a start
  static constexpr std::size_t most_entries = 127;
  static constexpr unsigned slot_bits = 9;

  std::array<std::uint8_t, std::size_t{1} << slot_bits>
      slots{};  ///< the entry; that of nothing is 0, whose start no line has
  std::array<HeaderId, most_entries> ids{};
  alignas(octets::step) std::array<Start, most_entries> starts{};
  alignas(octets::step) std::array<Start, octets::step> up_to{};  ///< of each length, all bits of the octets up to it
  alignas(octets::step) Start case_bits{};  ///< in memory, as `colons` are: a compiler makes constants for each line
  alignas(octets::step) Start colons{};

  [[nodiscard]] static constexpr Start start_of(std::string_view name) {
    Start start{};
    for (std::size_t at = 0; at < start.size() && at <= name.size(); ++at)
      start[at] = at < name.size() ? lower(name[at]) : ':';
    return start;
  }

  /// The factor was found by trial, so that no two starts share a slot: the table does not compile when two do.
  [[nodiscard]] static constexpr std::size_t slot_of(std::uint64_t low_half, std::uint64_t high_half) {
    return (low_half ^ high_half) * 0x6df48240d95dd5e3 >> (64 - slot_bits);
  }

  /// How many octets stand before the first colon among sixteen; more than longest_short_name when there is none.
  [[nodiscard]] std::size_t name_size(octets::Sixteen line) const {
    return octets::first_of(octets::bits_of(line == octets::load(colons.data())) | std::uint64_t{1} << octets::step);
  }

  /// Finds the name that a line begins with; `line` are its first sixteen octets, and `size` of them stand before its
  /// colon or before the end of these. Setting 0x20 folds letters; of what else it changes only CR becomes an octet of
  /// some name ("-").
  [[nodiscard]] bool find(octets::Sixteen line, std::size_t size, HeaderId& id) const {
    const octets::Sixteen start = (line | octets::load(case_bits.data())) & octets::load(up_to[size].data());
    const std::size_t entry = slots[slot_of(octets::low_half(start), octets::high_half(start))];
    id = ids[entry];
    return octets::bits_of(start == octets::load(starts[entry].data())) == octets::all;
  }
};

extern const HeaderTable header_table;

}  // namespace bellhop::sip
