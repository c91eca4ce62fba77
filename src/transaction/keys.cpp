#include "transaction/keys.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/copy_octets.hpp"
#include "base/fold_case.hpp"

namespace bellhop::transaction {

namespace {
constexpr char separator = '\0';
}  // namespace

std::string_view Keys::matched_method(const sip::Message& request) {
  return request.method() == sip::Method::ack ? std::string_view("INVITE") : request.method_text();
}

bool Keys::has_identifying_branch(const sip::Message& request) {
  constexpr std::size_t cookie_size = 7;  // "z9hG4bK"
  return request.top_via().has_cookie() && request.top_via().branch.size() > cookie_size;
}

/// Writes the parts of a key one behind the other.
class Keys::Text {
 public:
  /// Room for parts of so many octets in all.
  Text(std::string& room, std::size_t octets) : room_(room) {
    constexpr std::size_t for_numbers_and_separators = 64;
    if (room_.size() < octets + for_numbers_and_separators) room_.resize(octets + for_numbers_and_separators);
    at_ = room_.data();
  }
  void add(std::string_view part) {
    at_ = copy_octets(part, at_);
    *at_++ = separator;
  }
  void add_folded(std::string_view part) {
    at_ = copy_lower(part, at_);
    *at_++ = separator;
  }
  void add_octets(std::uint16_t number) {
    std::memcpy(at_, &number, sizeof number);
    at_ += sizeof number;
  }
  void add(std::uint32_t number) {
    at_ = std::to_chars(at_, at_ + 10, number).ptr;
    *at_++ = separator;
  }
  [[nodiscard]] std::string_view view() const { return {room_.data(), static_cast<std::size_t>(at_ - room_.data())}; }

 private:
  std::string& room_;
  char* at_;
};

Hash128 Keys::of(const sip::Message& request, std::string_view method) {
  const sip::Via& via = request.top_via();
  if (has_identifying_branch(request)) {
    Text text(text_, method.size() + via.branch.size() + via.host.size());
    text.add(method);
    text.add_folded(via.branch);
    text.add_folded(via.host);
    text.add_octets(via.port);
    return hash128(text.view(), seed_);
  }
  Text text(text_, method.size() + request.octets().size());
  text.add(method);
  text.add(request.request_uri_text());
  text.add(request.from_tag());
  text.add(request.call_id());
  text.add(request.cseq().number);
  if (method != "INVITE") text.add(request.to_tag());
  text.add(via.text);
  return hash128(text.view(), seed_);
}

Hash128 Keys::of_merged(const sip::Message& request) {
  Text text(text_, request.octets().size());
  text.add(request.method_text());
  text.add(request.from_tag());
  text.add(request.call_id());
  text.add(request.cseq().number);
  return hash128(text.view(), seed_);
}

std::uint32_t Keys::of_tag(std::string_view tag) const {
  return tag.empty() ? 0 : static_cast<std::uint32_t>(hash64(tag, seed_)) | 1;
}

}  // namespace bellhop::transaction
