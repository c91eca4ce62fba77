#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bellhop::crypto {

/// A secret drawn once per process (or kept in data_dir where it must survive a restart, as that of Route tokens does).
using Key = std::array<unsigned char, 16>;
[[nodiscard]] Key random_key();

/// Keyed short hash (SipHash-2-4 of libsodium): what marks branch ids, tags, Route tokens and nonces as ours. 64 bits,
/// about 30 ns; enough where every guess costs the guesser a packet.
[[nodiscard]] std::uint64_t short_mac(const Key& key, std::string_view bytes);

/// Characters of 64 bits in base 32: the first one carries four.
inline constexpr std::size_t base32_size = 13;
/// Text without padding that is a token character of SIP throughout (0-9, a-v): 13 characters for 64 bits.
void append_base32(std::string& out, std::uint64_t value);
/// The same into `out`, which has room for base32_size characters; returns where they end.
char* write_base32(char* out, std::uint64_t value);
/// All 13 characters and nothing else, in any case (SIP compares tokens without case).
[[nodiscard]] std::optional<std::uint64_t> parse_base32(std::string_view text);

/// A number and its short_mac in base32: what a branch of ours is made of where nothing else is kept of it. The key
/// must be for this use alone.
inline constexpr std::size_t stamped_number_size = 2 * base32_size;
void append_stamped_number(std::string& out, const Key& key, std::uint64_t value);
/// Nothing when it was not made with this key.
[[nodiscard]] std::optional<std::uint64_t> parse_stamped_number(std::string_view text, const Key& key);

}  // namespace bellhop::crypto
