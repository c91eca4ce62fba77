#include "sip/auth_parameters.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sip/scan.hpp"
#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

constexpr std::size_t name_count = static_cast<std::size_t>(DigestName::count_);
constexpr std::array<std::string_view, name_count> names{
    "username", "username*", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "opaque"};

/// Where a name stands in the table: no two of them share a place.
constexpr std::size_t place_of(char first, std::size_t size) {
  return (static_cast<unsigned char>(first) + size) % 32;  // letters differ by 32 from their capitals
}
struct KnownName {
  std::array<char, octets::step> text{};
  std::size_t size = 0;
  DigestName name = DigestName::count_;
  [[nodiscard]] constexpr std::string_view view() const { return {text.data(), size}; }
};
constexpr std::array<KnownName, 32> known_names = [] {
  std::array<KnownName, 32> table{};
  for (std::size_t i = 0; i < name_count; ++i) {
    KnownName& place = table[place_of(names[i].front(), names[i].size())];
    std::ranges::copy(names[i], place.text.begin());
    place.size = names[i].size();
    place.name = static_cast<DigestName>(i);
  }
  return table;
}();
static_assert(std::ranges::count(known_names, DigestName::count_, &KnownName::name) + name_count == known_names.size());

/// `count_` for any other.
DigestName name_from(std::string_view text) {
  if (text.empty()) return DigestName::count_;
  const KnownName& only = known_names[place_of(text.front(), text.size())];
  return equals_ignore_case(text, only.view()) ? only.name : DigestName::count_;
}

struct AuthParameter {
  DigestName known = DigestName::count_;
  std::string_view name;
  std::string_view value;  ///< without quotes, escapes kept
  bool quoted = false;
  bool plain = true;  ///< no quoted-pair and no fold in it
};

/// Mostly there are none: one look says so.
void skip_blanks(scan::Cursor& cursor) {
  if (cursor.at != cursor.end && *cursor.at <= ' ') cursor.skip_blanks();
}

void take_name(scan::Cursor& cursor, AuthParameter& out) {
  out.name = cursor.take(scan::token);
  out.known = name_from(out.name);
}

octets::Bits needs_a_look(octets::Sixteen octets) {
  return octets::bits_of((octets == '"') | (octets == '\\') | (octets < 0x20) | (octets == 0x7f));
}

/// The cursor stands on the opening quote. False when the quoted-string has no proper end.
bool take_quoted(scan::Cursor& cursor, AuthParameter& out) {
  const char* const begin = cursor.at + 1;
  const char* const stop = octets::find(begin, cursor.end, [](octets::Sixteen o) { return needs_a_look(o); });
  out.plain = stop != cursor.end && *stop == '"';
  if (out.plain)
    cursor.at = stop + 1;
  else if (cursor.take_quoted().empty())
    return false;
  out.value = scan::Cursor::since(begin, cursor.at - 1);
  return true;
}

/// auth-param-name EQUAL ( token / quoted-string )
bool take_parameter(scan::Cursor& cursor, AuthParameter& out) {
  skip_blanks(cursor);
  take_name(cursor, out);
  skip_blanks(cursor);
  if (out.name.empty() || !cursor.skip('=')) return false;
  skip_blanks(cursor);
  out.quoted = cursor.sees('"');
  if (out.quoted) {
    if (!take_quoted(cursor, out)) return false;
  } else {
    out.plain = true;
    out.value = cursor.take(scan::token);
    if (out.value.empty()) return false;
  }
  skip_blanks(cursor);
  return true;
}

/// auth-scheme LWS auth-param *( COMMA auth-param ): visit(const AuthParameter&) -> bool sees each one. False when the
/// grammar is broken, or once visit() is.
template <class Visit>
bool take_all(scan::Cursor cursor, std::string_view& scheme, Visit&& visit) {
  cursor.skip_blanks();
  scheme = cursor.take(scan::token);
  const char* const gap = cursor.at;
  cursor.skip_blanks();
  if (scheme.empty() || cursor.at == gap) return false;
  AuthParameter parameter;
  do {
    if (!take_parameter(cursor, parameter) || !visit(parameter)) return false;
  } while (cursor.skip(','));
  return cursor.done();
}

}  // namespace

// ---- by name

DigestParameters::DigestParameters(std::string_view text) {
  good_ = read_usual(text);
  if (good_) return;
  values_ = {};
  other_count_ = 0;
  std::string_view scheme;
  std::size_t count = 0;
  good_ = take_all(scan::Cursor(text), scheme, [&](const AuthParameter& parameter) {
    if (++count > most_auth_parameters) return false;
    if (parameter.known == DigestName::count_) return add_other(parameter.name);
    return add(parameter.known, {parameter.value.data(), parameter.value.size(), parameter.plain});
  });
}

namespace {

/// Where the octets that are not plain stand in a text that is not too long.
class Delimiters {
 public:
  static constexpr std::size_t longest = 1023;

  explicit Delimiters(std::string_view text) {
    const char* const end = text.data() + text.size();
    for (std::size_t block = 0; block <= text.size() / octets::block; ++block)
      bits_[block] = octets::next_delimiters(text, text.data() + block * octets::block, end);
    bits_[text.size() / octets::block] |= octets::BlockBits{1} << text.size() % octets::block;
  }
  /// The first of them at `at` or behind; the size of the text when there is none.
  [[nodiscard]] std::size_t next(std::size_t at) const {
    std::size_t block = at / octets::block;
    if (const auto ahead = bits_[block] >> at % octets::block; ahead != 0) return at + first_of(ahead);
    do {
      ++block;
    } while (bits_[block] == 0);
    return block * octets::block + first_of(bits_[block]);
  }

 private:
  static std::size_t first_of(octets::BlockBits bits) { return static_cast<std::size_t>(std::countr_zero(bits)); }

  std::array<octets::BlockBits, longest / octets::block + 1> bits_;  // not initialised behind the text
};

/// name_from() for what most likely is written as in the RFC; `end` is where the text around it ends.
inline DigestName usual_name(std::string_view name, const char* end) {
  const KnownName& only = known_names[place_of(name.front(), name.size())];
  if (name.size() == only.size && end - name.data() >= std::ptrdiff_t{octets::step}) {
    const octets::Bits differing = octets::bits_of(octets::load(name.data()) != octets::load(only.text.data()));
    if ((differing & ((octets::Bits{1} << only.size) - 1)) == 0) return only.name;
  }
  return name_from(name);
}

}  // namespace

/// How nearly all write it: plain octets with delimiters between, no blanks but behind commas and nothing escaped. What
/// is written otherwise goes the general way, which finds the same where both succeed.
bool DigestParameters::read_usual(std::string_view text) {
  if (text.size() > Delimiters::longest) return false;
  const Delimiters delimiters(text);
  const auto stands_at = [text](std::size_t at, char c) { return at != text.size() && text[at] == c; };
  std::size_t at = delimiters.next(0);
  if (at == 0 || !stands_at(at, ' ')) return false;  // behind the scheme
  for (std::size_t count = 1; count <= most_auth_parameters; ++count) {
    do {
      ++at;
    } while (stands_at(at, ' '));
    const std::size_t equals = delimiters.next(at);
    if (equals == at || !stands_at(equals, '=')) return false;
    const std::string_view name(text.data() + at, equals - at);
    std::size_t begin = equals + 1;
    const bool quoted = stands_at(begin, '"');
    at = delimiters.next(begin);
    if (quoted) {
      ++begin;
      do {
        at = delimiters.next(at + 1);
      } while (at != text.size() && scan::is(text[at], scan::quoted));
      if (!stands_at(at, '"')) return false;
    } else if (at == begin) {
      return false;
    }
    const DigestName known = usual_name(name, text.data() + text.size());
    if (known == DigestName::count_ ? !add_other(name) : !add(known, {text.data() + begin, at - begin})) return false;
    if (quoted) ++at;
    if (at == text.size()) return true;
    if (text[at] != ',') return false;
  }
  return false;
}

bool DigestParameters::add(DigestName name, Value value) {
  Value& place = values_[static_cast<std::size_t>(name)];
  if (place.at != nullptr) return false;
  place = value;
  return true;
}

bool DigestParameters::add_other(std::string_view name) {
  for (std::size_t i = 0; i < other_count_; ++i)
    if (equals_ignore_case(name, {others_[i].at, others_[i].size})) return false;
  others_[other_count_++] = {name.data(), name.size()};
  return true;
}

// ---- as a list

const AuthParameters::Item* AuthParameters::find(std::string_view name) const {
  const auto found = std::find_if(items.begin(), items.end(),
                                  [name](const Item& item) { return equals_ignore_case(item.name, name); });
  return found == items.end() ? nullptr : &*found;
}

std::string_view AuthParameters::value(std::string_view name) const {
  const Item* const item = find(name);
  return item == nullptr ? std::string_view{} : item->value;
}

Result<AuthParameters, ValueError> parse_auth(std::string_view value) {
  AuthParameters out;
  out.items.reserve(12);
  ValueError error = ValueError::malformed;
  const bool good = take_all(scan::Cursor(value), out.scheme, [&](const AuthParameter& parameter) {
    if (out.find(parameter.name) != nullptr) return false;
    if (out.items.size() == most_auth_parameters) {
      error = ValueError::too_many;
      return false;
    }
    out.items.push_back({parameter.name, parameter.value, parameter.quoted});
    return true;
  });
  if (!good) return failure(error);
  return out;
}

}  // namespace bellhop::sip
