#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "sip/header.hpp"
#include "sip/method.hpp"
#include "sip/status.hpp"
#include "sip/uri.hpp"
#include "sip/values.hpp"

namespace bellhop::sip {

/// What one message may cost. Everything above is refused before it is looked at.
struct Limits {
  std::size_t message_size = 256 * 1024;  ///< octets, header block and body; 513 above
  std::size_t header_block_size = 64 * 1024;
  std::size_t header_count = 256;  ///< header lines; 400 above (513 on a stream)
  std::size_t via_count = 70;      ///< values; 400 above
  std::size_t route_count = 70;    ///< Route values
};

/// Why a message was refused: what the log says and, for a request that can be answered, with which code.
struct ParseRefusal {
  enum class Kind : std::uint8_t {
    not_sip,             ///< no start line of ours: dropped
    malformed,           ///< 400
    version,             ///< 505 (RFC 3261 section 21.5.6)
    too_large,           ///< 513
    too_many_headers,    ///< 400
    bad_content_length,  ///< 400, and a stream is closed behind it
    bad_response,        ///< a response that is no good is dropped (RFC 3261 section 18.1.2)
  };
  Kind kind = Kind::malformed;
  StatusCode status = 400;   ///< the answer when it can be answered
  const char* reason = "";   ///< static text for the reason phrase and the log, e.g. "CSeq Out Of Range"
  std::uint32_t offset = 0;  ///< where in the message
};

/// The fields of one header block. Their room is kept from one message to the next and written in place; a copy has
/// room for what there is and no more.
class HeaderIndex {
 public:
  HeaderIndex() = default;
  HeaderIndex(const HeaderIndex& other);
  HeaderIndex(HeaderIndex&& other) noexcept
      : fields_(std::move(other.fields_)), size_(std::exchange(other.size_, 0)), room_(std::exchange(other.room_, 0)) {}
  HeaderIndex& operator=(HeaderIndex&& other) noexcept {
    fields_ = std::move(other.fields_);
    size_ = std::exchange(other.size_, 0);
    room_ = std::exchange(other.room_, 0);
    return *this;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const HeaderField* data() const { return fields_.get(); }
  [[nodiscard]] HeaderField& operator[](std::size_t at) { return fields_[at]; }
  [[nodiscard]] const HeaderField& operator[](std::size_t at) const { return fields_[at]; }
  void clear() { size_ = 0; }
  /// The places behind the last field, as far as there is room for `most` fields at all. What is written there counts
  /// once it is kept.
  [[nodiscard]] std::span<HeaderField> spare(std::size_t most) {
    if (size_ == room_ && size_ < most) grow();
    const std::size_t end = std::min<std::size_t>(room_, most);
    return {fields_.get() + size_, end > size_ ? end - size_ : 0};
  }
  void keep_spare(std::size_t count) { size_ += static_cast<std::uint32_t>(count); }

 private:
  void grow();

  std::unique_ptr<HeaderField[]> fields_;
  std::uint32_t size_ = 0;
  std::uint32_t room_ = 0;
};

/// A received SIP message: its octets plus an index of header positions and the eager facts that routing needs.
///
/// Spec    RFC 3261 sections 7, 18.3, 20, 25; RFC 4475 for what must be accepted and what refused.
/// Memory  views into the buffer given to parse(), which must outlive the message; parse() may be called again and
///         again on one object (one per shard) and then allocates nothing but for messages with more than 64 header
///         lines.
/// Cost    one pass over the header block, 64 octets a step, then the eager headers; first() and next() are look-ups.
/// Errors  parse() gives a ParseRefusal for the first fault; the index goes on behind it (up to the limits), so the
///         fields of a refused request (Via, From, To, Call-ID, CSeq as raw fields) can be used to answer it.
/// Strict  line ends are CRLF, a bare CR or LF in the header block is refused, and so is any control octet that no
///         quoted-pair holds; nothing is ever cut at a NUL. CRLFs before the start line of a datagram are skipped.
/// Mild    white space before the colon, any Call-ID without white space, a status line without the space behind
///         its code, a missing Max-Forwards or From tag (RFC 2543 peers).
class Message {
 public:
  Message() = default;
  Message(Message&&) noexcept = default;
  Message& operator=(Message&&) noexcept = default;

  /// A whole message. `stream` is true behind stream framing (Content-Length is then mandatory and exact; over UDP a
  /// longer datagram is cut and a shorter one refused, RFC 3261 section 18.3).
  [[nodiscard]] Result<void, ParseRefusal> parse(std::string_view octets, const Limits& limits, bool stream);

  /// The same message over a copy of its octets: the index is kept, all views move.
  [[nodiscard]] Message rebased(std::string_view copy_of_octets) const;

  [[nodiscard]] std::string_view octets() const { return octets_; }  ///< start line to end of body
  [[nodiscard]] std::string_view start_line() const { return octets_.substr(0, start_line_size_); }
  [[nodiscard]] std::string_view body() const { return octets_.substr(body_at_); }
  [[nodiscard]] std::size_t header_block_at() const {
    return headers_at_;
  }  ///< first octet behind the start line's CRLF
  [[nodiscard]] std::size_t blank_line_at() const { return blank_line_at_; }  ///< the CRLF that ends the header block

  // Start line.
  [[nodiscard]] bool is_request() const { return is_request_; }
  [[nodiscard]] Method method() const { return method_; }  ///< of a response: the CSeq method
  [[nodiscard]] std::string_view method_text() const { return method_text_; }
  [[nodiscard]] std::string_view request_uri_text() const { return request_uri_text_; }
  /// Parsed on parse(); an error here does not refuse the message (the proxy answers 400, 414 or 416 by itself).
  [[nodiscard]] const Result<Uri, UriError>& request_uri() const { return request_uri_; }
  [[nodiscard]] StatusCode status() const { return status_; }
  [[nodiscard]] std::string_view reason() const { return reason_; }

  // Eager headers: valid after a successful parse.
  [[nodiscard]] const Via& top_via() const { return top_via_; }
  [[nodiscard]] std::string_view call_id() const { return call_id_; }
  [[nodiscard]] const CSeq& cseq() const { return cseq_; }
  [[nodiscard]] const NameAddr& from() const { return from_; }
  [[nodiscard]] const NameAddr& to() const { return to_; }
  [[nodiscard]] std::string_view from_tag() const { return from_.tag(); }
  [[nodiscard]] std::string_view to_tag() const { return to_.tag(); }
  [[nodiscard]] std::optional<std::uint32_t> max_forwards() const { return max_forwards_; }
  [[nodiscard]] std::size_t via_count() const { return via_count_; }  ///< values, not lines

  // All headers, in order.
  /// No control octet stands in start line and headers but those of line ends: no folds, and no CR or LF in any value.
  [[nodiscard]] bool has_plain_headers() const { return plain_headers_; }
  [[nodiscard]] std::span<const HeaderField> headers() const { return {headers_.data(), headers_.size()}; }
  /// Of a field of this message's own index.
  [[nodiscard]] std::string_view name(const HeaderField& h) const { return {octets_.data() + h.name_at, h.name_size}; }
  [[nodiscard]] std::string_view value(const HeaderField& h) const {
    return {octets_.data() + h.value_at, h.value_size};
  }
  [[nodiscard]] const HeaderField* first(HeaderId id) const {
    const std::size_t at = first_[static_cast<std::size_t>(id)];
    return at != 0 ? &headers_[at - 1] : nullptr;
  }
  /// The next of the same id.
  [[nodiscard]] static const HeaderField* next(const HeaderField* after) {
    return after->to_next != 0 ? after + after->to_next : nullptr;
  }
  [[nodiscard]] static const HeaderField* next(HeaderId /*that of `after`*/, const HeaderField* after) {
    return next(after);
  }
  /// First field with this name, for names Bellhop has no id for.
  [[nodiscard]] const HeaderField* first(std::string_view name) const;
  /// Value of the first such field; empty when absent.
  [[nodiscard]] std::string_view value_of(HeaderId id) const {
    const HeaderField* field = first(id);
    return field != nullptr ? value(*field) : std::string_view{};
  }
  [[nodiscard]] bool has(HeaderId id) const { return first(id) != nullptr; }
  /// Whether any field of this id holds the token (Require, Proxy-Require, Supported, Allow ...), without case.
  [[nodiscard]] bool has_token(HeaderId id, std::string_view token) const;

  /// Calls visit(std::string_view element, const HeaderField&) -> bool for each list element of all fields of this id
  /// in order, until it returns false.
  template <class F>
  void for_each_value(HeaderId id, F&& visit) const {
    for (const HeaderField* h = first(id); h != nullptr; h = next(h)) {
      std::string_view list = value(*h);
      while (const auto element = next_in_list(list))
        if (!visit(*element, *h)) return;
    }
  }

 private:
  Message(const Message&) = default;

  std::string_view octets_;
  std::uint32_t start_line_size_ = 0, headers_at_ = 0, blank_line_at_ = 0, body_at_ = 0;
  bool is_request_ = false;
  bool plain_headers_ = false;
  Method method_ = Method::other;
  StatusCode status_;
  std::string_view method_text_, request_uri_text_, reason_;
  Result<Uri, UriError> request_uri_;
  Via top_via_;
  CSeq cseq_;
  NameAddr from_, to_;
  std::string_view call_id_;
  std::optional<std::uint32_t> max_forwards_;
  std::size_t via_count_ = 0;
  HeaderIndex headers_;
  /// Where the first field of each id stands in headers_, counted from 1; 0: there is none.
  std::array<std::uint16_t, static_cast<std::size_t>(HeaderId::count_)> first_{};
  friend class MessageParser;
};

/// A message that owns its octets: what a fork keeps of the request it works on. One allocation for the octets and
/// one for an index of exact size.
class OwnedMessage {
 public:
  explicit OwnedMessage(const Message& message);
  [[nodiscard]] const Message& operator*() const { return message_; }
  [[nodiscard]] const Message* operator->() const { return &message_; }

 private:
  std::unique_ptr<char[]> octets_;
  Message message_;
};

/// The Call-ID value without a full parse: what ingress needs to find the shard that owns a message. Empty when the
/// octets hold none; a malformed message then stays where it arrived.
[[nodiscard]] std::string_view peek_call_id(std::string_view octets);

}  // namespace bellhop::sip
