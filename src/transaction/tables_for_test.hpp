#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "observe/metrics.hpp"
#include "sip/message.hpp"
#include "transaction/play_for_test.hpp"
#include "transaction/tables.hpp"

namespace bellhop::transaction {

/// A message that owns its text; the parts a test varies have names.
struct Text {
  std::string method = "INVITE", uri = "sip:bob@example.test", transport = "UDP", sent_by = "192.0.2.7:5060";
  std::string branch = ";branch=z9hG4bK776asdhds", call_id = "a84b4c76e66710", from_tag = "1928301774", to_tag;
  std::string more_vias;  ///< whole lines
  std::uint32_t cseq = 314159;

  [[nodiscard]] std::string headers() const {
    return "Via: SIP/2.0/" + transport + " " + sent_by + branch + "\r\n" + more_vias +
           "Max-Forwards: 70\r\nFrom: <sip:alice@example.test>;tag=" + from_tag + "\r\nTo: <sip:bob@example.test>" +
           (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) +
           " " + method + "\r\nContent-Length: 0\r\n\r\n";
  }
  [[nodiscard]] std::string request() const { return method + " " + uri + " SIP/2.0\r\n" + headers(); }
  [[nodiscard]] std::string response(int status) const {
    return "SIP/2.0 " + std::to_string(status) + " Text\r\n" + headers();
  }
};

/// Keeps parsed messages alive together with their octets.
class Parsed {
 public:
  const sip::Message& operator()(const std::string& octets) {
    auto& [text, message] = messages_.emplace_back();
    text = octets;
    EXPECT_TRUE(message.parse(text, sip::Limits{}, /*stream=*/false)) << octets;
    return message;
  }

 private:
  std::deque<std::pair<std::string, sip::Message>> messages_;
};

/// What left, when and where to.
class Recorder final : public Output {
 public:
  struct Sent {
    Millis at;
    net::Flow to;
    std::string octets;
  };
  void transmit(const net::Flow& to, std::string_view octets) override {
    sent.push_back({since_start(now), to, std::string(octets)});
  }
  [[nodiscard]] std::vector<Millis> times() const {
    std::vector<Millis> times;
    for (const Sent& s : sent) times.push_back(s.at);
    return times;
  }

  std::vector<Sent> sent;
  TimePoint now = start;
};

/// Virtual time, one wheel, one recorder.
class Clockwork {
 public:
  /// Fires what is due up to now + `span`, at its time.
  template <class Table>
  void pass(Table& table, Duration span) {
    const TimePoint until = now + span;
    while (wheel.next_deadline() <= until) {
      now = std::max(now, wheel.next_deadline());
      turn(table);
    }
    now = output.now = until;
    turn(table);
  }
  /// One turn without any time passing.
  template <class Table>
  void turn(Table& table) {
    output.now = now;
    wheel.advance(now, [&](std::uint64_t token) { table.on_timer(token, now); });
  }

  TimePoint now = start;
  Timers timers;
  net::TimerWheel wheel{start};
  Recorder output;
  observe::Metrics metrics;
};

[[nodiscard]] inline net::Flow flow_to(sip::Transport transport, const char* remote, std::uint32_t stream = 0) {
  net::Flow flow;
  flow.transport = transport;
  flow.remote = *Endpoint::parse(remote);
  flow.local = *Endpoint::parse("198.51.100.1:5060");
  if (flow.is_stream()) flow.stream = {stream, 1};
  return flow;
}

inline const net::Flow udp_flow = flow_to(sip::Transport::udp, "192.0.2.7:5060");
inline const net::Flow tcp_flow = flow_to(sip::Transport::tcp, "192.0.2.7:40000", 3);

}  // namespace bellhop::transaction
