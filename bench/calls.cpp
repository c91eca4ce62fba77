// What a shard spends on one call or one relayed message, without the kernel's share.
//   bench_calls call|message [how many] [at a time]
// "At a time": so many calls go through each step before the first goes on, so that what a call left behind has gone
// out of the caches, as on a busy server; 1 otherwise. Instructions of the messages alone, the same on every run:
//   valgrind --tool=callgrind --toggle-collect='*Shard::on_datagram*' build/release/bench_calls call 1000
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "shard/call_text_for_test.hpp"

namespace {

using namespace bellhop;
using shard::CallText;
using shard::LoneShard;
using Clock = std::chrono::steady_clock;

/// Some calls on their way together.
class Group {
 public:
  Group(LoneShard& server, std::size_t first, std::size_t size) : server_(server) {
    for (std::size_t i = 0; i < size; ++i) calls_.push_back({CallText(first + i), {}, {}});
  }

  bool relay_messages() {
    for (Call& call : calls_) call.request = hear(CallText::alice, call.text.message());
    return all_end_well();
  }
  bool relay_calls() {
    for (Call& call : calls_) call.request = hear(CallText::alice, call.text.invite());
    for (Call& call : calls_) hear(CallText::bob, CallText::answer(call.request, "180 Ringing"));
    for (Call& call : calls_) call.answer = hear(CallText::bob, CallText::answer(call.request, "200 OK"));
    for (Call& call : calls_) hear(CallText::alice, call.text.in_dialog("ACK", call.answer));
    for (Call& call : calls_) call.request = hear(CallText::alice, call.text.in_dialog("BYE", call.answer));
    return all_end_well();
  }
  [[nodiscard]] Clock::duration spent() const { return spent_; }

 private:
  struct Call {
    CallText text;
    std::string request, answer;  ///< as they reached the other side
  };
  bool all_end_well() {
    bool well = true;
    for (const Call& call : calls_)
      well &= hear(CallText::bob, CallText::answer(call.request, "200 OK")).starts_with("SIP/2.0 200");
    return well;
  }
  const std::string& hear(const Endpoint& from, const std::string& octets) {
    const auto began = Clock::now();
    const std::string& last = server_.hear(from, octets);
    spent_ += Clock::now() - began;
    return last;
  }

  LoneShard& server_;
  std::vector<Call> calls_;
  Clock::duration spent_{};
};

std::size_t number(int count, char** arguments, int which, std::size_t otherwise) {
  return count > which ? std::strtoul(arguments[which], nullptr, 10) : otherwise;
}

}  // namespace

int main(int count, char** arguments) {
  const bool calls = count < 2 || std::string_view(arguments[1]) == "call";
  const std::size_t how_many = number(count, arguments, 2, 1000),
                    at_a_time = std::max<std::size_t>(1, number(count, arguments, 3, 1));
  LoneShard server{std::string(CallText::config)};
  server.hear(CallText::bob, CallText::registration());
  Clock::duration spent{};
  for (std::size_t first = 0; first < how_many; first += at_a_time) {
    Group group(server, first, std::min(at_a_time, how_many - first));
    if (!(calls ? group.relay_calls() : group.relay_messages())) return 1;
    spent += group.spent();
    server.pass(milliseconds(10) * at_a_time);
  }
  fmt::print("{} {}: {} datagrams sent, {:.0f} ns of the shard's each\n", how_many, calls ? "calls" : "messages",
             server.sent(), std::chrono::duration<double, std::nano>(spent).count() / static_cast<double>(how_many));
}
