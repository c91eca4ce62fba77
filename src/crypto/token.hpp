#pragma once

#include <array>
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

/// Text without padding that is a token character of SIP throughout (0-9, a-v): 13 characters for 64 bits.
void append_base32(std::string& out, std::uint64_t value);
/// All 13 characters and nothing else, in any case (SIP compares tokens without case).
[[nodiscard]] std::optional<std::uint64_t> parse_base32(std::string_view text);

}  // namespace bellhop::crypto
