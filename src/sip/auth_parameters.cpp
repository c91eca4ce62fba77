#include <algorithm>

#include "base/text.hpp"
#include "sip/scan.hpp"
#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

constexpr std::size_t most_parameters = 32;

/// auth-param-name EQUAL ( token / quoted-string )
bool take_item(scan::Cursor& cursor, AuthParameters::Item& item) {
  item.name = cursor.take(scan::token);
  cursor.skip_blanks();
  if (item.name.empty() || !cursor.skip('=')) return false;
  cursor.skip_blanks();
  item.quoted = cursor.sees('"');
  item.value = item.quoted ? cursor.take_quoted() : cursor.take(scan::token);
  if (item.value.empty()) return false;
  if (item.quoted) item.value = item.value.substr(1, item.value.size() - 2);
  cursor.skip_blanks();
  return true;
}

}  // namespace

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
  scan::Cursor cursor(value);
  cursor.skip_blanks();
  AuthParameters out;
  out.scheme = cursor.take(scan::token);
  const char* const gap = cursor.at;
  cursor.skip_blanks();
  if (out.scheme.empty() || cursor.at == gap) return failure(ValueError::malformed);
  out.items.reserve(12);
  do {
    cursor.skip_blanks();
    AuthParameters::Item item;
    if (!take_item(cursor, item) || out.find(item.name) != nullptr) return failure(ValueError::malformed);
    if (out.items.size() == most_parameters) return failure(ValueError::too_many);
    out.items.push_back(item);
  } while (cursor.skip(','));
  if (!cursor.done()) return failure(ValueError::malformed);
  return out;
}

}  // namespace bellhop::sip
