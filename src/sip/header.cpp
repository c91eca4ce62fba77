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

constexpr std::size_t longest = 32;
constexpr std::size_t slots = 512;

// Factors found by trial, so that no two names share a slot; make_index() does not compile when two do.
constexpr std::size_t slot_of(std::string_view name) {
  const auto octet = [name](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(name[i]) | 0x20);
  };
  const std::size_t n = name.size();
  return (octet(0) * 61 + octet(n / 2) * 129 + octet(n - 1) * 23 + n * 19) % slots;
}

// A perfect hash over the long names, laid out at compile time; names are kept in lower case for the comparison.
struct Index {
  struct Entry {
    std::array<char, longest> folded{};
  };
  std::array<Entry, count> entries{};
  std::array<std::uint8_t, slots> slot{};  ///< a HeaderId; 0 is empty (HeaderId::other has no name)
  std::array<HeaderId, 26> compact{};
};

constexpr Index make_index() {
  Index index;
  for (std::size_t i = 1; i < count; ++i) {
    const HeaderName& header = names[i];
    for (std::size_t c = 0; c < header.name.size(); ++c) index.entries[i].folded[c] = lower(header.name[c]);
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

// Four or eight octets at once, A-Z to a-z and nothing else.
template <class Word>
Word fold_case(Word word) {
  constexpr Word every = static_cast<Word>(0x0101010101010101ULL);
  const Word low_bits = word & (0x7f * every);
  const Word above_z = low_bits + ((0x7f - 'Z') * every);
  const Word from_a = low_bits + ((0x80 - 'A') * every);
  const Word upper = (from_a ^ above_z) & ~word & (0x80 * every);
  return word | (upper >> 2);
}

template <class Word>
bool same_word(const char* name, const char* folded) {
  return fold_case(load<Word>(name)) == load<Word>(folded);
}

// `name` is of the entry's size.
bool same(std::string_view name, const char* folded) {
  const std::size_t size = name.size();
  const char* const at = name.data();
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8) {
      if (!same_word<std::uint64_t>(at + i, folded + i)) return false;
    }
    return same_word<std::uint64_t>(at + size - 8, folded + size - 8);
  }
  if (size >= 4) {
    return same_word<std::uint32_t>(at, folded) && same_word<std::uint32_t>(at + size - 4, folded + size - 4);
  }
  for (std::size_t i = 0; i < size; ++i) {
    if (lower(at[i]) != folded[i]) return false;
  }
  return true;
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
  if (names[at].name.size() != name.size()) return HeaderId::other;
  return same(name, index_of_names.entries[at].folded.data()) ? static_cast<HeaderId>(at) : HeaderId::other;
}

}  // namespace bellhop::sip
