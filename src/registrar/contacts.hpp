#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "config/snapshot.hpp"
#include "location/binding.hpp"
#include "net/flow.hpp"
#include "sip/message.hpp"
#include "sip/status.hpp"
#include "sip/values.hpp"

namespace bellhop::registrar {

// What one REGISTER says about its contacts, read by the rules of RFC 3261 section 10.3 and of our settings.

/// The Expires field: nothing when absent; what is no number counts as an hour, what is too large as 2^32-1
/// (RFC 3261 section 10.2.1.1).
[[nodiscard]] std::optional<std::uint32_t> expires_field(const sip::Message& request);

/// The interval a contact asks for and what it gets; zero asks for removal.
struct Interval {
  std::uint32_t granted = 0;
  bool too_brief = false;  ///< 423
};
[[nodiscard]] Interval interval_of(const sip::Contact& contact, std::optional<std::uint32_t> expires_field,
                                   const config::Registrar& settings);

/// Why this URI can not be a contact; null when it can. Nothing is ever sent to a broadcast, multicast or unspecified
/// address or to port 0. `address` is what its host spells, if any.
[[nodiscard]] const char* unusable(const sip::Uri& contact, const std::optional<IpAddress>& address,
                                   const config::Registrar& settings);

/// Reads what phones allow. Many say the same words, so those of the latest few are remembered.
///
/// Owner  one shard.
class AllowReader {
 public:
  /// Bits for Binding::methods from Allow. ACK and CANCEL come with INVITE; methods we do not know by name are let
  /// through.
  [[nodiscard]] std::uint32_t methods_of(const sip::Message& request, const config::Registrar& settings);

 private:
  struct Known {
    std::string text;
    std::uint32_t methods = 0;
  };
  static constexpr std::size_t longest_known = 512;
  std::array<Known, 16> known_{};
};

/// Sets contact, contact_parameters, instance, reg_id and q of `out`.
void read_contact(const sip::Contact& contact, const config::Registrar& settings, location::Binding& out);

/// All Path values joined by ", " (RFC 3327 section 5.3); false when one is no route.
[[nodiscard]] bool read_path(const sip::Message& request, std::string& out);

/// Appends `text` with each line fold turned into a space, so that it can stand in a line of its own.
void append_unfolded(std::string& out, std::string_view text);

}  // namespace bellhop::registrar
