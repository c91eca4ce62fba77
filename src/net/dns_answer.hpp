#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "net/records.hpp"

namespace bellhop::net {

/// The record types we ask for, by their numbers (RFC 1035, 3596, 2782, 3403).
enum class DnsType : std::uint16_t { a = 1, aaaa = 28, srv = 33, naptr = 35 };

/// What a name server's message says to one question.
struct DnsAnswer {
  Answer::Outcome outcome = Answer::Outcome::failed;
  std::vector<IpAddress> addresses;
  std::vector<SrvRecord> services;
  std::vector<NaptrRecord> pointers;
  /// Found: the least of the records and of the aliases that led to them. Absent: for how long (RFC 2308 section 5);
  /// nothing when the message has no SOA to say it.
  std::optional<Duration> ttl;
};

/// At most so many records of one answer are used: those that come first by priority, order or position.
inline constexpr std::size_t most_records = 32;

/// Reads a DNS message (RFC 1035 section 4) that answers `type` of `name`, a HostKey's text. Nothing when it is
///         malformed, cut, or answers something else. Aliases are followed inside the message, eight of them at most.
///
/// Cost    bounded by the message: each record is read once, names go backwards only.
[[nodiscard]] std::optional<DnsAnswer> parse_dns_answer(std::string_view message, std::string_view name, DnsType type);

}  // namespace bellhop::net
