#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/simulation.hpp"
#include "sip/transport.hpp"
#include "world.hpp"

namespace bellhop::scenario {

/// A request as somebody with bad intentions writes it: every line can be replaced, dropped, doubled.
class Draft {
 public:
  Draft(std::string start, std::vector<std::pair<std::string, std::string>> lines)
      : start_(std::move(start)), lines_(std::move(lines)) {}

  Draft& start(std::string text);                        ///< another start line
  Draft& set(std::string_view name, std::string value);  ///< replaces the line, or appends it
  Draft& drop(std::string_view name);
  Draft& add(std::string line);                                         ///< a raw line, as it is, without CRLF
  Draft& body(std::string text, std::string_view type = "text/plain");  ///< with its right Content-Length
  Draft& tail(std::string octets);  ///< appended behind everything, Content-Length unchanged
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string method() const { return start_.substr(0, start_.find(' ')); }

 private:
  std::string start_;
  std::vector<std::pair<std::string, std::string>> lines_;  ///< a raw line has no name
  std::string body_, tail_;
};

/// Somebody without an account, over UDP or TCP: sends octets and notes what comes back.
class Stranger final : public net::WireHandler {
 public:
  Stranger(World& world, sip::Transport transport, const std::string& address = "127.0.0.66:5066");
  ~Stranger() override;

  /// A good request with a fresh Call-ID, tag and branch, From a user of ours.
  [[nodiscard]] Draft draft(std::string_view method = "INVITE", std::string_view uri = "sip:bob@example.test");

  void send(std::string_view octets);
  /// Sends, lets a second pass, and returns the first status that came back; 0: silence.
  int ask(std::string_view octets, Duration wait = seconds(1));
  int ask(const Draft& draft, Duration wait = seconds(1)) { return ask(draft.text(), wait); }

  [[nodiscard]] const std::vector<std::string>& received() const { return received_; }
  /// When messages that start so came, in milliseconds after the first of them.
  [[nodiscard]] std::vector<long> times_of(std::string_view start) const;
  /// How many of them came.
  [[nodiscard]] std::size_t count(std::string_view start) const { return times_of(start).size(); }
  /// The last of them; empty: none.
  [[nodiscard]] std::string last(std::string_view start) const;
  [[nodiscard]] const Endpoint& local() const { return local_; }
  /// When empty lines came that keep a NAT open.
  [[nodiscard]] const std::vector<TimePoint>& pings() const { return pings_; }
  [[nodiscard]] std::size_t octets_sent() const { return sent_; }
  [[nodiscard]] std::size_t octets_received() const { return got_; }
  [[nodiscard]] bool closed() const { return closed_; }  ///< the server closed our connection
  void disconnect();
  void forget() { received_.clear(), times_.clear(), sent_ = got_ = 0; }
  /// A good OPTIONS from a new connection is answered 200.
  [[nodiscard]] static bool server_lives(World& world);

 private:
  void on_datagram(net::SocketId, const Endpoint& from, std::string_view octets, TimePoint now) override;
  void on_unreachable(net::SocketId, const Endpoint&, TimePoint) override {}
  void on_accept(net::SocketId, net::StreamId, const Endpoint&, const Endpoint&, TimePoint) override {}
  void on_connected(net::StreamId, const Endpoint&, TimePoint) override {}
  void on_stream_data(net::StreamId stream, std::string_view octets, TimePoint now) override;
  void on_closed(net::StreamId stream, net::CloseReason, TimePoint) override;
  void on_wake(TimePoint) override {}
  void on_turn(TimePoint) override {}
  [[nodiscard]] TimePoint next_deadline() const override { return never; }

  World& world_;
  sip::Transport transport_;
  Endpoint local_;
  std::unique_ptr<net::Wire> wire_;
  net::StreamId stream_;
  bool connected_ = false, closed_ = false;
  int next_ = 0;
  std::size_t sent_ = 0, got_ = 0;
  std::string input_;
  std::vector<std::string> received_;
  std::vector<TimePoint> times_;  ///< of received_
  std::vector<TimePoint> pings_;
};

/// The first line of this name without its CRLF; all of them with it.
[[nodiscard]] std::string line_of(const std::string& message, std::string_view name);
[[nodiscard]] std::string lines_of(const std::string& message, std::string_view name);

/// The URI in a line's first angle brackets.
[[nodiscard]] std::string uri_in(const std::string& line);
/// The route set of the caller (values turned round, RFC 3261 section 12.1.2) or of the callee, from what each has
/// heard.
[[nodiscard]] std::string routes_from(const std::string& message, bool turned);

/// The draft as a request in the dialog of what its sender heard, with CSeq 2: the caller an answer (or answer_to()
/// what the callee heard, where that is all a test has), the callee the INVITE.
[[nodiscard]] Draft in_dialog(Draft draft, const std::string& heard);
/// The answer with these lines (without the last CRLF) in place of its Contact.
[[nodiscard]] std::string with_contact(std::string answer, std::string_view lines);

/// An answer to a request as somebody writes it who knows the rules; the tests then break one.
[[nodiscard]] std::string answer_to(const std::string& request, std::string_view status);
/// The ACK to an answer other than 2xx (RFC 3261 section 17.1.1.3) to this INVITE of ours.
[[nodiscard]] std::string ack_of(const std::string& invite, const std::string& answer);
/// The CANCEL of this INVITE (RFC 3261 section 9.1), whenever it is sent.
[[nodiscard]] std::string cancel_of(const std::string& invite);

}  // namespace bellhop::scenario
