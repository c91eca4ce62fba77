#include "sip/lines.hpp"

#include <cstring>

#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char* find(const char* from, const char* end, char wanted) {
  return static_cast<const char*>(std::memchr(from, wanted, static_cast<std::size_t>(end - from)));
}

// The LF that ends the line starting at `line`, behind all its folds; null when the text ends first.
const char* line_feed(const char* line, const char* end, bool& folded, bool& bare) {
  const char* feed = find(line, end, '\n');
  while (feed != nullptr) {
    if (feed == line || feed[-1] != '\r') bare = true;
    if (feed + 1 == end || !is_blank(feed[1])) return feed;
    folded = true;
    feed = find(feed + 1, end, '\n');
  }
  return nullptr;
}

// Splits [line, end) at the colon; false when the name is none.
bool split(const char* line, const char* end, const char* base, HeaderField& out) {
  const char* colon = find(line, end, ':');
  if (colon == nullptr) return false;
  const char* name_end = colon;
  while (name_end > line && is_blank(name_end[-1])) --name_end;
  const std::string_view name(line, static_cast<std::size_t>(name_end - line));
  out.id = header_from(name);
  if (name.size() > UINT16_MAX || (out.id == HeaderId::other && !is_token(name))) return false;

  const char* value = colon + 1;
  while (value < end && is_white(*value)) ++value;
  while (end > value && is_white(end[-1])) --end;
  if (value == end) value = end = colon + 1;
  out.name_size = static_cast<std::uint16_t>(name.size());
  out.value_at = static_cast<std::uint32_t>(value - base);
  out.value_size = static_cast<std::uint32_t>(end - value);
  if (out.folded) out.folded = find(value, end, '\n') != nullptr;
  return true;
}

}  // namespace

HeaderLine odd_line(std::string_view text, std::size_t at) {
  HeaderLine out;
  out.field.name_at = static_cast<std::uint32_t>(at);
  out.field.end_at = static_cast<std::uint32_t>(text.size());
  const char* const line = text.data() + at;
  const char* const end = text.data() + text.size();
  if (line == end) return out;
  if (*line == '\r' && line + 1 < end && line[1] == '\n') {
    out.kind = HeaderLine::Kind::blank;
    out.field.end_at = static_cast<std::uint32_t>(at + 2);
    return out;
  }
  bool bare = false;
  const char* const feed = line_feed(line, end, out.field.folded, bare);
  if (feed == nullptr) return out;
  out.field.end_at = static_cast<std::uint32_t>(feed + 1 - text.data());
  if (bare) {
    out.kind = HeaderLine::Kind::bare_newline;
  } else {
    out.kind = split(line, feed, text.data(), out.field) ? HeaderLine::Kind::field : HeaderLine::Kind::malformed;
  }
  return out;
}

LineName any_name(const char* line, const char* stop) {
  const char* const colon = find(line, stop, ':');
  if (colon == nullptr) return {};
  const std::string_view name(line, static_cast<std::size_t>(colon - line));
  const HeaderId id = header_from(name);
  if (name.size() > UINT16_MAX || (id == HeaderId::other && !is_token(name))) return {};
  return {id, static_cast<std::uint32_t>(name.size())};
}

HeaderLine next_line(std::string_view text, std::size_t at) {
  return Lines(text, at).next();
}

std::size_t find_forbidden_octet(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto octet = static_cast<unsigned char>(text[at]);
    if ((octet >= 0x20 && octet != 0x7f) || octet == '\t') {
      const bool pair = octet == '\\' && at + 1 < text.size() && text[at + 1] != '\r' && text[at + 1] != '\n';
      if (pair) ++at;
    } else if (octet == '\r' && at + 1 < text.size() && text[at + 1] == '\n') {
      ++at;
    } else {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace bellhop::sip
