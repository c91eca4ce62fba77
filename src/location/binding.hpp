#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "net/flow.hpp"
#include "sip/method.hpp"

namespace bellhop::location {

/// One contact of an address-of-record (RFC 3261 section 10): the record fields of features.md USR-02. A value.
struct Binding {
  std::uint64_t id = 0;            ///< unique in this server, never reused (ruid)
  std::string contact;             ///< the Contact URI as registered, without angle brackets
  std::string contact_parameters;  ///< header parameters other than q and expires, ";name=value..." as registered
  std::string call_id;
  std::uint32_t cseq = 0;
  std::uint16_t q = 1000;  ///< thousandths
  TimePoint expires{};
  TimePoint updated{};
  std::string instance;      ///< +sip.instance value without quotes; empty: none
  std::uint32_t reg_id = 0;  ///< 0: none
  std::string path;          ///< Path values joined by ", "; empty: none
  std::string user_agent;
  std::uint32_t methods = all_methods;  ///< bit per sip::Method from Allow; all when no Allow was sent (REG-12)
  net::Flow flow;                       ///< the way the REGISTER came: "received" address and connection
  bool natted = false;                  ///< requests go to flow.remote instead of the contact's host (CGP-05)

  static constexpr std::uint32_t all_methods = 0xffffffff;
  [[nodiscard]] static bool accepts(std::uint32_t methods, sip::Method method) {
    return ((methods >> static_cast<unsigned>(method)) & 1u) != 0;
  }
  [[nodiscard]] bool accepts(sip::Method method) const { return accepts(methods, method); }
};

}  // namespace bellhop::location
