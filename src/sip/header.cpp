#include "sip/header.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/copy_octets.hpp"
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

constexpr std::uint64_t octets_from(const HeaderTable::Start& start, std::size_t at) {
  std::uint64_t octets = 0;
  for (std::size_t i = 8; i-- > 0;) octets = octets << 8 | static_cast<unsigned char>(start[at + i]);
  return octets;
}

constexpr HeaderTable make_table() {
  HeaderTable table;
  std::size_t entries = 0;
  const auto add = [&](std::string_view name, HeaderId id) {
    const HeaderTable::Start start = HeaderTable::start_of(name);
    std::uint8_t& slot = table.slots[HeaderTable::slot_of(octets_from(start, 0), octets_from(start, 8))];
    if (slot != 0) throw "two header names share a slot: choose another factor in slot_of()";
    slot = static_cast<std::uint8_t>(++entries);
    table.starts[entries] = start;
    table.ids[entries] = id;
  };
  for (std::size_t i = 1; i < count; ++i) {
    const auto id = static_cast<HeaderId>(i);
    add(names[i].name, id);
    if (names[i].compact != '\0') add({&names[i].compact, 1}, id);
  }
  table.case_bits.fill(0x20);
  table.colons.fill(':');
  for (std::size_t size = 0; size < table.up_to.size(); ++size)
    for (std::size_t at = 0; at <= size; ++at) table.up_to[size][at] = '\xff';
  return table;
}

}  // namespace

constinit const HeaderTable header_table = make_table();

const HeaderName& name_of(HeaderId id) {
  const auto at = static_cast<std::size_t>(id);
  return names[at < count ? at : 0];
}

HeaderId header_from(std::string_view name) {
  if (name.empty()) return HeaderId::other;
  char line[octets::step] = {};
  const std::size_t size = std::min(name.size(), sizeof line - 1);
  copy_octets(name.substr(0, sizeof line), line);
  if (size == name.size()) line[size] = ':';
  HeaderId id = HeaderId::other;
  if (!header_table.find(octets::load(line), size, id)) return HeaderId::other;
  return name.size() == 1 || equals_ignore_case(name, name_of(id).name) ? id : HeaderId::other;
}

}  // namespace bellhop::sip
