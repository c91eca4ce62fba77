#include "sip/header.hpp"

#include <array>
#include <cstddef>

#include "base/text.hpp"
#include "sip/header_table.hpp"

namespace bellhop::sip {
namespace {

constexpr auto count = static_cast<std::size_t>(HeaderId::count_);
constexpr bool list = true;
constexpr bool single = false;

// In the order of HeaderId. `list` is what the grammar says: name = value *(COMMA value). The four credentials and
// challenges of RFC 3261 have commas inside one value and are no lists (section 7.3.1).
constexpr std::array<HeaderName, count> names{{
    {"", '\0', single},
    {"Accept", '\0', list},
    {"Accept-Encoding", '\0', list},
    {"Accept-Language", '\0', list},
    {"Alert-Info", '\0', list},
    {"Allow", '\0', list},
    {"Authentication-Info", '\0', list},
    {"Authorization", '\0', single},
    {"Call-ID", 'i', single},
    {"Call-Info", '\0', list},
    {"Contact", 'm', list},
    {"Content-Disposition", '\0', single},
    {"Content-Encoding", 'e', list},
    {"Content-Language", '\0', list},
    {"Content-Length", 'l', single},
    {"Content-Type", 'c', single},
    {"CSeq", '\0', single},
    {"Date", '\0', single},
    {"Error-Info", '\0', list},
    {"Expires", '\0', single},
    {"From", 'f', single},
    {"In-Reply-To", '\0', list},
    {"Max-Forwards", '\0', single},
    {"MIME-Version", '\0', single},
    {"Min-Expires", '\0', single},
    {"Organization", '\0', single},
    {"Priority", '\0', single},
    {"Proxy-Authenticate", '\0', single},
    {"Proxy-Authorization", '\0', single},
    {"Proxy-Require", '\0', list},
    {"Record-Route", '\0', list},
    {"Reply-To", '\0', single},
    {"Require", '\0', list},
    {"Retry-After", '\0', single},
    {"Route", '\0', list},
    {"Server", '\0', single},
    {"Subject", 's', single},
    {"Supported", 'k', list},
    {"Timestamp", '\0', single},
    {"To", 't', single},
    {"Unsupported", '\0', list},
    {"User-Agent", '\0', single},
    {"Via", 'v', list},
    {"Warning", '\0', list},
    {"WWW-Authenticate", '\0', single},
    {"RAck", '\0', single},
    {"RSeq", '\0', single},
    {"Event", 'o', single},
    {"Allow-Events", 'u', list},
    {"Subscription-State", '\0', single},
    {"Privacy", '\0', single},
    {"P-Asserted-Identity", '\0', list},
    {"P-Preferred-Identity", '\0', list},
    {"Reason", '\0', list},
    {"Path", '\0', list},
    {"Refer-To", 'r', single},
    {"Service-Route", '\0', list},
    {"Accept-Contact", 'a', list},
    {"Reject-Contact", 'j', list},
    {"Request-Disposition", 'd', list},
    {"Replaces", '\0', single},
    {"Referred-By", 'b', single},
    {"SIP-ETag", '\0', single},
    {"SIP-If-Match", '\0', single},
    {"Join", '\0', single},
    {"Session-Expires", 'x', single},
    {"Min-SE", '\0', single},
    {"Resource-Priority", '\0', list},
    {"Accept-Resource-Priority", '\0', list},
    {"Refer-Sub", '\0', single},
    {"Target-Dialog", '\0', single},
    {"P-Early-Media", '\0', list},
    {"Max-Breadth", '\0', single},
    {"Flow-Timer", '\0', single},
    {"Info-Package", '\0', single},
    {"Recv-Info", '\0', list},
    {"Geolocation", '\0', list},
    {"Geolocation-Routing", '\0', single},
    {"Geolocation-Error", '\0', single},
    {"Feature-Caps", '\0', list},
    {"History-Info", '\0', list},
    {"Diversion", '\0', list},
    {"P-Charging-Vector", '\0', single},
    {"P-Charging-Function-Addresses", '\0', list},
    {"P-Access-Network-Info", '\0', list},
    {"P-Visited-Network-ID", '\0', list},
    {"P-Associated-URI", '\0', list},
    {"P-Called-Party-ID", '\0', single},
    {"User-to-User", '\0', list},
    {"Session-ID", '\0', single},
    {"Identity", 'y', single},
    {"Identity-Info", 'n', single},
    {"Remote-Party-ID", '\0', list},
    {"Answer-Mode", '\0', single},
    {"Priv-Answer-Mode", '\0', single},
    {"Permission-Missing", '\0', list},
    {"Trigger-Consent", '\0', list},
    {"Security-Client", '\0', list},
    {"Security-Server", '\0', list},
    {"Security-Verify", '\0', list},
    {"Suppress-If-Match", '\0', single},
    {"P-Hint", '\0', single},
}};
static_assert(names[static_cast<std::size_t>(HeaderId::from)].name == "From");
static_assert(names[static_cast<std::size_t>(HeaderId::www_authenticate)].name == "WWW-Authenticate");
static_assert(names[static_cast<std::size_t>(HeaderId::session_expires)].name == "Session-Expires");
static_assert(names[static_cast<std::size_t>(HeaderId::p_hint)].name == "P-Hint");

/// The compact forms, by letter.
constexpr std::array<HeaderId, 26> make_compact() {
  std::array<HeaderId, 26> compact{};
  for (std::size_t i = 1; i < count; ++i) {
    if (names[i].compact != '\0') compact[static_cast<std::size_t>(names[i].compact - 'a')] = static_cast<HeaderId>(i);
  }
  return compact;
}
constexpr std::array<HeaderId, 26> compact_forms = make_compact();

constexpr HeaderTable make_table() {
  HeaderTable table;
  for (std::size_t i = 1; i < count; ++i) {
    const std::string_view name = names[i].name;
    HeaderId& slot = table.slots[HeaderTable::slot_of(name.data(), name.size())];
    if (slot != HeaderId::other) throw "two header names share a slot: choose other factors in slot_of()";
    slot = static_cast<HeaderId>(i);
    if (name.size() > HeaderTable::longest_short_name) continue;
    for (std::size_t at = 0; at < name.size(); ++at) table.starts[i][at] = lower(name[at]);
    table.starts[i][name.size()] = ':';
  }
  return table;
}

}  // namespace

constinit const HeaderTable header_table = make_table();

const HeaderName& name_of(HeaderId id) {
  const auto at = static_cast<std::size_t>(id);
  return names[at < count ? at : 0];
}

HeaderId header_from(std::string_view name) {
  if (name.size() < 2) {
    if (name.empty()) return HeaderId::other;
    const char letter = lower(name.front());
    return letter >= 'a' && letter <= 'z' ? compact_forms[static_cast<std::size_t>(letter - 'a')] : HeaderId::other;
  }
  const HeaderId id = header_table.slots[HeaderTable::slot_of(name.data(), name.size())];
  return equals_ignore_case(name, names[static_cast<std::size_t>(id)].name) ? id : HeaderId::other;
}

}  // namespace bellhop::sip
