#include "sip/lines.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "sip/header_table.hpp"
#include "sip/values.hpp"
#include "sip/wide_octets.hpp"

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

/// Whether the line that ends at `stop` ends there: with CRLF, and with another octet behind it that is no fold.
bool ends_a_field(std::string_view text, std::size_t stop) {
  if (stop + 2 >= text.size()) return false;
  const char* const end = text.data() + stop;
  return std::memcmp(end, "\r\n", 2) == 0 && (end[2] > ' ' || !is_blank(end[2]));
}

/// The field of the plain line from `line` to the CRLF at `stop`, with the name that stands there before its colon.
void cut(const char* base, std::size_t line, std::size_t stop, HeaderId id, std::size_t name_size, HeaderField& out) {
  // The colon before the value and the CR behind it are no blanks, so both loops end there.
  std::size_t value = line + name_size + 1;
  std::size_t value_end = stop;
  while (base[value] == ' ') ++value;
  if (base[stop - 1] == ' ') [[unlikely]] {
    while (base[value_end - 1] == ' ') --value_end;
    if (value == stop) value = value_end;
  }
  out.name_at = static_cast<std::uint32_t>(line);
  out.value_at = static_cast<std::uint32_t>(value);
  out.value_size = static_cast<std::uint32_t>(value_end - value);
  out.end_at = static_cast<std::uint32_t>(stop + 2);
  out.name_size = static_cast<std::uint16_t>(name_size);
  out.to_next = 0;
  out.id = id;
  out.folded = false;
}

/// Lines::take_usual(). No call is in its loop, so that registers hold all of it.
template <octets::BlockBits controls_in_block(const char*)>
[[gnu::always_inline]] inline HeaderField* usual_lines(std::string_view text, std::size_t& at, HeaderField* out,
                                                       const HeaderField* end) {
  if (text.size() < octets::block) return out;
  const char* const base = text.data();
  const std::size_t last_step = text.size() - octets::step;
  std::size_t line = at;
  std::size_t block = line;        // bit i of `controls` tells about the octet there + i
  std::size_t seen = line;         // where the next block begins
  octets::BlockBits controls = 0;  // those that are not behind us
  for (; out != end; ++out) {
    while (controls == 0 && seen < text.size()) {
      block = std::max(line, seen);
      const std::size_t from = std::min(block, text.size() - octets::block);
      controls = controls_in_block(base + from) >> (block - from);
      seen = block + octets::block;
    }
    const std::size_t stop = block + octets::first_of(controls);
    if (controls == 0 || !ends_a_field(text, stop) || line > last_step) break;
    const octets::Sixteen start = octets::load(base + line);
    const std::size_t name_size = header_table.name_size(start);
    // The colon stands before the CRLF, since that LF is the same as no octet of a name.
    HeaderId id = HeaderId::other;
    if (name_size > HeaderTable::longest_short_name || !header_table.find(start, name_size, id)) break;
    cut(base, line, stop, id, name_size, *out);
    line = stop + 2;
    controls &= controls - 1;  // the CR
    controls &= controls - 1;  // the LF, unless the next block has it
  }
  at = line;
  return out;
}

#ifdef __x86_64__
[[gnu::target("avx2,bmi,bmi2"), gnu::flatten]] HeaderField* wide_usual_lines(std::string_view text, std::size_t& line,
                                                                             HeaderField* out, const HeaderField* end) {
  return usual_lines<octets::wide_controls_in_block>(text, line, out, end);
}
#endif

/// Takes the line when it is a field without folds and control octets, whatever its name.
bool plain_line(std::string_view text, std::size_t at, HeaderField& out) {
  const std::size_t stop = octets::find_control(text, at);
  if (!ends_a_field(text, stop)) return false;
  const char* const line = text.data() + at;
  const char* const colon = find(line, text.data() + stop, ':');
  if (colon == nullptr) return false;
  const std::string_view name(line, static_cast<std::size_t>(colon - line));
  const HeaderId id = header_from(name);
  if (name.size() > UINT16_MAX || (id == HeaderId::other && !is_token(name))) return false;
  cut(text.data(), at, stop, id, name.size(), out);
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

HeaderField* Lines::take_usual(HeaderField* out, const HeaderField* end, bool wide) {
#ifdef __x86_64__
  if (wide) return wide_usual_lines(text_, at_, out, end);
#endif
  return usual_lines<octets::controls_by_sixteen>(text_, at_, out, end);
}

HeaderLine Lines::next() {
  HeaderLine line;
  if (text_.substr(at_, 2) == "\r\n") {
    line.kind = HeaderLine::Kind::blank;
    line.field.name_at = static_cast<std::uint32_t>(at_);
    line.field.end_at = static_cast<std::uint32_t>(at_ += 2);
    return line;
  }
  line.plain = plain_line(text_, at_, line.field);
  if (line.plain)
    line.kind = HeaderLine::Kind::field;
  else
    line = odd_line(text_, at_);
  at_ = line.field.end_at;
  return line;
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
