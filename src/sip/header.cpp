#include "sip/header.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#include "base/text.hpp"

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

constexpr std::size_t slots = 512;

// The first two letters, the middle one and the last, and the length; the factors were found by trial, so that no two
// names share a slot: make_index() does not compile when two do. `name` has two letters at least.
constexpr std::size_t slot_of(std::string_view name) {
  const auto octet = [name](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(name[i])); };
  const std::size_t n = name.size();
  const std::uint32_t letters = octet(0) | octet(1) << 8 | octet(n - 1) << 16 | octet(n / 2) << 24;
  return ((letters | 0x20202020) + static_cast<std::uint32_t>(n) * 0x9d) * 0xe660aca9U >> 23;
}
static_assert(slots == 1 << (32 - 23));

// A perfect hash over the long names, laid out at compile time.
struct Index {
  std::array<std::uint8_t, slots> slot{};  ///< a HeaderId; 0 is empty (HeaderId::other has no name)
  std::array<HeaderId, 26> compact{};
};

constexpr Index make_index() {
  Index index;
  for (std::size_t i = 1; i < count; ++i) {
    const HeaderName& header = names[i];
    std::uint8_t& slot = index.slot[slot_of(header.name)];
    if (slot != 0) throw "two header names share a slot: choose other factors in slot_of()";
    slot = static_cast<std::uint8_t>(i);
    if (header.compact != '\0')
      index.compact[static_cast<std::size_t>(header.compact - 'a')] = static_cast<HeaderId>(i);
  }
  return index;
}
constexpr Index index_of_names = make_index();
static_assert(count <= 256);

template <class Word>
Word load(const char* at) {
  Word word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Whether the two words that reach from each end to the middle, and so cover all of 2 to 16 octets, are the same.
template <class Word>
bool same_ends(const char* a, const char* b, std::size_t size) {
  return load<Word>(a) == load<Word>(b) && load<Word>(a + size - sizeof(Word)) == load<Word>(b + size - sizeof(Word));
}

/// Whether a name is as nearly all peers write it; both are of this size. False also for names above 16 octets.
bool surely_same(const char* a, const char* b, std::size_t size) {
  if (size > 16) return false;
  if (size >= 8) return same_ends<std::uint64_t>(a, b, size);
  if (size >= 4) return same_ends<std::uint32_t>(a, b, size);
  return same_ends<std::uint16_t>(a, b, size);
}

/// What is rare, out of the way of the usual.
[[gnu::noinline]] HeaderId in_any_case(std::string_view name, std::size_t at) {
  return name == names[at].name || equals_ignore_case(name, names[at].name) ? static_cast<HeaderId>(at)
                                                                            : HeaderId::other;
}

}  // namespace

const HeaderName& name_of(HeaderId id) {
  const auto at = static_cast<std::size_t>(id);
  return names[at < count ? at : 0];
}

HeaderId header_from(std::string_view name) {
  if (name.size() < 2) {
    if (name.empty()) return HeaderId::other;
    const char letter = lower(name.front());
    return letter >= 'a' && letter <= 'z' ? index_of_names.compact[static_cast<std::size_t>(letter - 'a')]
                                          : HeaderId::other;
  }
  const std::size_t at = index_of_names.slot[slot_of(name)];
  const std::string_view wanted = names[at].name;
  if (wanted.size() != name.size()) return HeaderId::other;
  if (surely_same(name.data(), wanted.data(), name.size())) return static_cast<HeaderId>(at);
  return in_any_case(name, at);
}

}  // namespace bellhop::sip
