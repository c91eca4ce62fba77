// What a shard spends on one call or one relayed message, without the kernel's share.
//   bench_calls call|message [how many]
// Instructions of the messages alone, the same on every run and every machine:
//   valgrind --tool=callgrind --toggle-collect='*Shard::on_datagram*' build/release/bench_calls call 1000
#include <cstdlib>

#include "shard/call_text_for_test.hpp"

namespace {

using namespace bellhop;
using shard::CallText;
using shard::LoneShard;

const std::string& relay_message(LoneShard& server, const CallText& text) {
  const std::string& message = server.hear(CallText::alice, text.message());
  return server.hear(CallText::bob, CallText::answer(message, "200 OK"));
}

const std::string& relay_call(LoneShard& server, const CallText& text) {
  const std::string invite = server.hear(CallText::alice, text.invite());
  server.hear(CallText::bob, CallText::answer(invite, "180 Ringing"));
  const std::string answer = server.hear(CallText::bob, CallText::answer(invite, "200 OK"));
  server.hear(CallText::alice, text.in_dialog("ACK", answer));
  const std::string& bye = server.hear(CallText::alice, text.in_dialog("BYE", answer));
  return server.hear(CallText::bob, CallText::answer(bye, "200 OK"));
}

}  // namespace

int main(int count, char** arguments) {
  const bool calls = count < 2 || std::string_view(arguments[1]) == "call";
  const unsigned how_many = count < 3 ? 1000 : static_cast<unsigned>(std::strtoul(arguments[2], nullptr, 10));
  LoneShard server{std::string(CallText::config)};
  server.hear(CallText::bob, CallText::registration());
  for (unsigned i = 0; i < how_many; ++i) {
    const CallText text(i);
    const std::string& last = calls ? relay_call(server, text) : relay_message(server, text);
    if (!last.starts_with("SIP/2.0 200")) return 1;
    if (i % 10 == 9) server.pass(milliseconds(100));
  }
  fmt::print("{} {}: {} datagrams sent\n", how_many, calls ? "calls" : "messages", server.sent());
}
