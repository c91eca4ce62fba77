// Message::parse() over datagrams and streams: views stay inside the octets, a copy keeps the facts, what is refused is
// answered with a message that parses, and the stream framer agrees with the parser about where a message ends.
#include "sip/message.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

#include "properties.hpp"
#include "sip/builder.hpp"
#include "sip/framing.hpp"

using bellhop::fuzz::inside;
using bellhop::fuzz::require;

namespace {

using namespace bellhop::sip;

void check_index(const Message& message) {
  const std::string_view octets = message.octets();
  std::size_t last_end = message.header_block_at();
  for (const HeaderField& field : message.headers()) {
    require(field.name_at >= last_end && field.name_at + field.name_size < field.value_at);
    require(field.value_at + field.value_size < field.end_at && field.end_at <= message.blank_line_at());
    require(inside(message.name(field), octets) && inside(message.value(field), octets));
    last_end = field.end_at;
  }
  for (const HeaderField& field : message.headers()) {
    const HeaderField* same = message.first(field.id);
    while (same != nullptr && same < &field) same = message.next(same);
    require(same == &field);
  }
  for (const std::string_view part :
       {message.body(), message.call_id(), message.from_tag(), message.to_tag(), message.method_text(),
        message.request_uri_text(), message.reason(), message.top_via().text, message.to().text})
    require(inside(part, octets));
}

void check_copy(const Message& message) {
  const OwnedMessage copy(message);
  require(copy->octets() == message.octets() && copy->call_id() == message.call_id());
  require(copy->top_via().branch == message.top_via().branch && copy->from_tag() == message.from_tag());
  require(inside(copy->top_via().parameters, copy->octets()) && inside(copy->to().uri.host, copy->octets()));
  check_index(*copy);
}

void check_answer(const Message& request) {
  if (!answerable(request)) return;
  std::string out;
  start_response(out, request, 400, {}, "tag", ";received=192.0.2.1;rport=5060").no_body();
  Message response;
  const auto result = response.parse(out, Limits{.message_size = 1 << 20, .header_block_size = 1 << 20}, true);
  if (result) require(!response.is_request() && response.status() == StatusCode(400));
}

void check_framer(std::string_view octets, const Message& message) {
  StreamFramer framer;
  const auto found = framer.look(octets, Limits{});
  require(found.outcome == StreamFramer::Outcome::message && found.size == message.octets().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  Message message;
  for (const bool stream : {false, true}) {
    const auto result = message.parse(octets, Limits{}, stream);
    check_index(message);
    check_answer(message);
    if (!result) continue;
    check_copy(message);
    require(peek_call_id(octets) == message.call_id());
    if (stream) check_framer(octets, message);
  }
  return 0;
}
