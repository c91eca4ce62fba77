#include "sip/values.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "sip/octets.hpp"
#include "sip/scan.hpp"

namespace bellhop::sip {

using scan::Cursor;
using scan::is;

Result<CSeq, ValueError> parse_cseq(std::string_view value) {
  constexpr std::uint32_t largest = 0x7fffffff;  // RFC 3261 section 8.1.1.5
  Cursor cursor(value);
  cursor.skip_blanks();
  const char* const digits = cursor.at;
  const std::uint64_t number = scan::take_number(cursor, largest);
  const char* const gap = cursor.at;
  cursor.skip_blanks();
  if (gap == digits || cursor.at == gap) return failure(ValueError::malformed);
  CSeq cseq;
  cseq.method_text = cursor.rest();
  cseq.method = method_from(cseq.method_text);
  if (cseq.method == Method::other) {
    cseq.method_text = cursor.take(scan::token);
    cursor.skip_blanks();
    if (cseq.method_text.empty() || !cursor.done()) return failure(ValueError::malformed);
    cseq.method = method_from(cseq.method_text);
  }
  if (number > largest) return failure(ValueError::out_of_range);
  cseq.number = static_cast<std::uint32_t>(number);
  return cseq;
}

Result<std::uint32_t, ValueError> parse_number(std::string_view value, std::uint32_t max) {
  Cursor cursor(value);
  const std::uint64_t number = scan::take_number(cursor, max);
  if (value.empty() || !cursor.done()) return failure(ValueError::malformed);
  if (number > max) return failure(ValueError::out_of_range);
  return static_cast<std::uint32_t>(number);
}

std::optional<std::uint16_t> parse_q(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int unit = 100;
  for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (!is(text[i], scan::digit)) return std::nullopt;
    thousandths += (text[i] - '0') * unit;
  }
  if (thousandths > 1000) return std::nullopt;
  return static_cast<std::uint16_t>(thousandths);
}

void append_q(std::string& out, std::uint16_t thousandths) {
  if (thousandths >= 1000) {
    out += ";q=1";
    return;
  }
  out += ";q=0";
  if (thousandths == 0) return;
  out += '.';
  for (unsigned unit = 100, left = thousandths; left > 0; left %= unit, unit /= 10)
    out += static_cast<char>('0' + left / unit);
}

namespace {

/// The comma behind the value that begins at `begin`, or the end: those in quotes and angle brackets do not count.
const char* end_of_value(const char* begin, const char* end) {
  const auto find = [end](const char* at, char wanted) {
    return static_cast<const char*>(std::memchr(at, wanted, static_cast<std::size_t>(end - at)));
  };
  const char* const comma = begin == end ? nullptr : find(begin, ',');
  if (comma == nullptr) return end;
  Cursor cursor(Cursor::since(begin, end));
  for (;;) {
    cursor.at = octets::find(cursor.at, end, [](octets::Sixteen some) {
      return octets::bits_of((some == ',') | (some == '"') | (some == '<'));
    });
    if (cursor.done() || *cursor.at == ',') return cursor.at;
    if (*cursor.at == '"') {
      if (cursor.take_quoted().empty()) return end;  // no end of the string: the rest is one bad element
    } else {
      const char* const close = find(cursor.at, '>');
      if (close == nullptr) return end;
      cursor.at = close + 1;
    }
  }
}

}  // namespace

std::optional<std::string_view> next_in_list(std::string_view& list) {
  Cursor cursor(list);
  cursor.skip_blanks();
  if (cursor.done()) {
    list = {};
    return std::nullopt;
  }
  const char* const begin = cursor.at;
  cursor.at = end_of_value(begin, cursor.end);
  const std::string_view element = scan::trimmed(begin, cursor.at);
  cursor.skip(',');
  list = cursor.rest();
  return element;
}

bool list_has_token(std::string_view list, std::string_view token) {
  while (const auto element = next_in_list(list))
    if (equals_ignore_case(*element, token)) return true;
  return false;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is(c, scan::token); });
}

std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return out;
}

}  // namespace bellhop::sip
