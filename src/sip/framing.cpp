#include "sip/framing.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "sip/lines.hpp"
#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

using Found = StreamFramer::Found;
using Outcome = StreamFramer::Outcome;
using Kind = ParseRefusal::Kind;

Found refused(Kind kind, StatusCode status, const char* reason, std::size_t offset) {
  return {.outcome = Outcome::refused, .refusal = {kind, status, reason, static_cast<std::uint32_t>(offset)}};
}

/// Whether the line may be a Content-Length: what begins otherwise need not be read.
bool may_be_content_length(std::string_view line) {
  const char first = lower(line.front());
  return first == 'l' || (first == 'c' && starts_with_ignore_case(line, "Content-Length"));
}

}  // namespace

Found StreamFramer::look(std::string_view unread, const Limits& limits) {
  if (unread.empty()) return {};
  if (unread.front() == '\r') return between_messages(unread);
  after_blank_ = false;
  if (header_end_ == 0) {
    if (!is_token(unread.substr(0, 1))) return refused(Kind::not_sip, 400, "Not A SIP Message", 0);
    if (!find_header_end(unread)) {
      const std::size_t bare = bare_newline_;
      if (bare != 0) return refused(Kind::malformed, 400, "Line Feed Without Carriage Return", bare);
      if (unread.size() < limits.header_block_size) return {};
    }
    if (header_end_ == 0 || header_end_ > limits.header_block_size) {
      return refused(Kind::too_large, 513, "Header Block Too Large", limits.header_block_size);
    }
    if (const Found fault = find_total(unread.substr(0, header_end_), limits); fault.outcome == Outcome::refused) {
      return fault;
    }
  }
  if (unread.size() >= total_) return {.outcome = Outcome::message, .size = total_};
  return {.missing = total_ - unread.size()};
}

Found StreamFramer::between_messages(std::string_view unread) {
  if (unread.size() == 1) return {.missing = 1};
  if (unread[1] != '\n') return refused(Kind::not_sip, 400, "Not A SIP Message", 0);
  if (unread.starts_with("\r\n\r\n")) {
    after_blank_ = false;
    return {.outcome = Outcome::ping, .size = 4};
  }
  const bool second_half = after_blank_;
  after_blank_ = !second_half;
  return {.outcome = second_half ? Outcome::ping : Outcome::blank, .size = 2};
}

bool StreamFramer::find_header_end(std::string_view unread) {
  for (std::size_t feed = unread.find('\n', scanned_); feed != std::string_view::npos;
       feed = unread.find('\n', feed + 1)) {
    if (feed == 0 || unread[feed - 1] != '\r') {
      bare_newline_ = feed;
      return false;
    }
    if (feed >= 3 && unread[feed - 2] == '\n') {
      header_end_ = feed + 1;
      return true;
    }
    if (length_line_ == 0 && may_be_content_length(unread.substr(line_))) length_line_ = line_;
    line_ = feed + 1;
  }
  scanned_ = unread.size();
  return false;
}

Found StreamFramer::find_total(std::string_view header_block, const Limits& limits) {
  std::string_view length;
  std::size_t length_at = 0;
  // Every LF ends a line here, and what begins with a blank goes on with the line before it.
  for (std::size_t at = length_line_; at != 0; at = header_block.find('\n', at) + 1) {
    if (at == header_block.size() || !may_be_content_length(header_block.substr(at))) continue;
    const HeaderLine line = next_line(header_block, at);
    if (line.kind == HeaderLine::Kind::field && line.field.id == HeaderId::content_length) {
      if (length_at != 0) return refused(Kind::bad_content_length, 400, "More Than One Content-Length", at);
      length = header_block.substr(line.field.value_at, line.field.value_size);
      length_at = line.field.value_at;
    }
  }
  if (length_at == 0) return refused(Kind::bad_content_length, 400, "Missing Content-Length", 0);
  if (length.empty() || length.find_first_not_of("0123456789") != std::string_view::npos) {
    return refused(Kind::bad_content_length, 400, "Bad Content-Length", length_at);
  }
  const auto octets = parse_decimal(length);
  if (!octets || *octets > limits.message_size || header_end_ + *octets > limits.message_size) {
    return refused(Kind::too_large, 513, "Message Too Large", length_at);
  }
  total_ = header_end_ + static_cast<std::size_t>(*octets);
  return {};
}

}  // namespace bellhop::sip
