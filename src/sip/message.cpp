#include "sip/message.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "sip/lines.hpp"

namespace bellhop::sip {
namespace {

/// Moves views from one buffer to a copy of it. Empty views may point anywhere and become empty ones.
class Shift {
 public:
  Shift(std::string_view from, std::string_view to) : from_(from.data()), to_(to.data()) {}

  void operator()(std::string_view& view) const {
    view = view.empty() ? std::string_view{} : std::string_view(to_ + (view.data() - from_), view.size());
  }
  void operator()(Uri& uri) const {
    for (auto* view : {&uri.text, &uri.scheme_text, &uri.user, &uri.password, &uri.host, &uri.parameters, &uri.headers})
      (*this)(*view);
  }
  void operator()(NameAddr& address) const {
    for (auto* view : {&address.display_name, &address.parameters, &address.tag_value, &address.text}) (*this)(*view);
    (*this)(address.uri);
  }
  void operator()(Via& via) const {
    for (auto* view : {&via.protocol, &via.transport, &via.host, &via.branch, &via.received, &via.maddr, &via.ttl,
                       &via.rport_text, &via.parameters, &via.text})
      (*this)(*view);
  }

 private:
  const char* from_;
  const char* to_;
};

}  // namespace

HeaderIndex::HeaderIndex(const HeaderIndex& other)
    : fields_(std::make_unique_for_overwrite<HeaderField[]>(other.size_)), size_(other.size_), room_(other.size_) {
  std::copy_n(other.fields_.get(), size_, fields_.get());
}

void HeaderIndex::grow() {
  constexpr std::uint32_t usual_room = 64;
  room_ = std::max(usual_room, 2 * room_);
  auto grown = std::make_unique_for_overwrite<HeaderField[]>(room_);
  std::copy_n(fields_.get(), size_, grown.get());
  fields_ = std::move(grown);
}

Message Message::rebased(std::string_view copy_of_octets) const {
  Message copy(*this);
  const Shift shift(octets_, copy_of_octets);
  copy.octets_ = copy_of_octets;
  for (auto* view :
       {&copy.method_text_, &copy.request_uri_text_, &copy.reason_, &copy.cseq_.method_text, &copy.call_id_})
    shift(*view);
  if (copy.request_uri_) shift(*copy.request_uri_);
  shift(copy.top_via_);
  shift(copy.from_);
  shift(copy.to_);
  return copy;
}

const HeaderField* Message::first(std::string_view wanted) const {
  if (const HeaderId id = header_from(wanted); id != HeaderId::other) return first(id);
  const HeaderField* field = first(HeaderId::other);
  while (field != nullptr && !equals_ignore_case(name(*field), wanted)) field = next(field);
  return field;
}

bool Message::has_token(HeaderId id, std::string_view token) const {
  for (const HeaderField* field = first(id); field != nullptr; field = next(field)) {
    if (list_has_token(value(*field), token)) return true;
  }
  return false;
}

OwnedMessage::OwnedMessage(const Message& message)
    : octets_(std::make_unique_for_overwrite<char[]>(message.octets().size())) {
  const std::string_view octets = message.octets();
  std::copy(octets.begin(), octets.end(), octets_.get());
  message_ = message.rebased({octets_.get(), octets.size()});
}

std::string_view peek_call_id(std::string_view octets) {
  while (octets.starts_with("\r\n")) octets.remove_prefix(2);
  const std::size_t feed = octets.find('\n');
  if (feed == std::string_view::npos) return {};
  for (Lines lines(octets, feed + 1);;) {
    const HeaderLine line = lines.next();
    if (line.kind == HeaderLine::Kind::blank || line.kind == HeaderLine::Kind::unterminated) return {};
    if (line.kind == HeaderLine::Kind::field && line.field.id == HeaderId::call_id) {
      return octets.substr(line.field.value_at, line.field.value_size);
    }
  }
}

}  // namespace bellhop::sip
