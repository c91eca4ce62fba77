#include "transaction/keys.hpp"

#include <array>
#include <charconv>

#include "base/text.hpp"

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

void Keys::add(std::string_view part) {
  text_ += part;
  text_ += separator;
}

void Keys::add_folded(std::string_view part) {
  const std::size_t at = text_.size();
  add(part);
  for (std::size_t i = at; i < text_.size(); ++i) text_[i] = lower(text_[i]);
}

void Keys::add(std::uint32_t number) {
  std::array<char, 10> decimal;
  const auto end = std::to_chars(decimal.data(), decimal.data() + decimal.size(), number).ptr;
  add(std::string_view(decimal.data(), static_cast<std::size_t>(end - decimal.data())));
}

Hash128 Keys::of(const sip::Message& request, std::string_view method) {
  const sip::Via& via = request.top_via();
  text_.clear();
  add(method);
  if (has_identifying_branch(request)) {
    add_folded(via.branch);
    add_folded(via.host);
    add(std::uint32_t{via.port});
  } else {
    add(request.request_uri_text());
    add(request.from_tag());
    add(request.call_id());
    add(request.cseq().number);
    if (method != "INVITE") add(request.to_tag());
    add(via.text);
  }
  return hash128(text_, seed_);
}

Hash128 Keys::of_merged(const sip::Message& request) {
  text_.clear();
  add(request.method_text());
  add(request.from_tag());
  add(request.call_id());
  add(request.cseq().number);
  return hash128(text_, seed_);
}

std::uint32_t Keys::of_tag(std::string_view tag) const {
  return tag.empty() ? 0 : static_cast<std::uint32_t>(hash64(tag, seed_)) | 1;
}

}  // namespace bellhop::transaction
