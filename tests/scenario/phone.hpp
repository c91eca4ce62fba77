#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/timer.hpp"
#include "sip/framing.hpp"
#include "transaction/tables.hpp"
#include "world.hpp"

namespace bellhop::scenario {

/// A scripted user agent with real transactions: it repeats, absorbs and acknowledges as RFC 3261 wants, so that
/// scenarios hold on a network that loses and reorders. What it hears is kept as text; how it answers an INVITE is a
/// script.
class Phone final : public net::WireHandler, private transaction::Output {
 public:
  struct Script {  ///< what happens to an INVITE
    std::vector<std::pair<Duration, int>> answers = {{milliseconds(10), 180}, {milliseconds(100), 200}};
    bool answer_cancel = true;  ///< 200 to CANCEL and 487 to the INVITE
    bool send_487 = true;
    std::string contact;    ///< for 3xx
    std::string headers;    ///< extra header lines of answers
    std::string challenge;  ///< WWW-Authenticate of a 401 to INVITEs without credentials for it; empty: none
    std::string ack_body;   ///< of the ACK to a 2xx
  };

  Phone(World& world, std::string user, const std::string& address, sip::Transport transport = sip::Transport::udp);
  ~Phone() override;

  Script script;
  std::string password;         ///< "pw-" and the user at first
  std::string from_user;        ///< who From names: the user at first
  std::string domain;           ///< of From, and where it registers: the world's at first
  std::string display_headers;  ///< extra header lines for what it sends

  // As a user agent client.
  void register_contact(int expires = 3600, std::string_view contact_parameters = {});
  void send_register(std::string_view contact_lines, std::string_view more = {});
  /// Sends a request out of a dialog; returns its Call-ID.
  std::string send(std::string_view method, std::string_view uri, std::string_view more = {},
                   std::string_view body = {});
  std::string call(std::string_view uri, std::string_view more = {});
  void cancel();   ///< the call under way, once it has a provisional response (RFC 3261 section 9.1)
  void hang_up();  ///< BYE in the dialog
  void in_dialog(std::string_view method, std::string_view more = {});
  void send_raw(std::string_view octets);

  // What came of it.
  [[nodiscard]] int last_status(std::string_view method) const;
  [[nodiscard]] const std::vector<std::string>& responses() const { return responses_; }  ///< "200 INVITE"
  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }    ///< "INVITE"
  [[nodiscard]] std::size_t count_requests(std::string_view method) const;
  [[nodiscard]] std::size_t count_responses(std::string_view text) const;
  [[nodiscard]] const std::string& last_request(std::string_view method) const;  ///< octets
  [[nodiscard]] const std::string& last_response(std::string_view method) const;
  [[nodiscard]] const std::string& last_sent(std::string_view method) const;  ///< a request of ours
  [[nodiscard]] bool in_call() const { return confirmed_; }
  [[nodiscard]] std::string contact_uri() const;
  [[nodiscard]] const Endpoint& endpoint() const { return local_; }
  void forget() { responses_.clear(), requests_.clear(), last_status_.clear(); }
  void close_connection();

 private:
  struct Dialog {
    std::string call_id, local, remote, target;  ///< local and remote: From/To values with tags
    std::vector<std::string> routes;
    std::uint32_t cseq = 1;
    bool uas = false;
  };
  struct Outgoing {  ///< a request under way
    std::string method, uri, more, body, call_id, from, to;
    std::uint32_t cseq = 1;
    SlotId transaction;
    std::vector<std::pair<bool, std::string>> challenges;  ///< answered so far: by a proxy, and what it said
    std::string octets;
  };

  // net::WireHandler
  void on_datagram(net::SocketId, const Endpoint& from, std::string_view octets, TimePoint now) override;
  void on_unreachable(net::SocketId, const Endpoint&, TimePoint) override {}
  void on_accept(net::SocketId, net::StreamId, const Endpoint&, const Endpoint&, TimePoint) override;
  void on_connected(net::StreamId, const Endpoint&, TimePoint) override {}
  void on_stream_data(net::StreamId, std::string_view octets, TimePoint now) override;
  void on_closed(net::StreamId, net::CloseReason, TimePoint) override;
  void on_wake(TimePoint) override {}
  void on_turn(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override { return wheel_.next_deadline(); }
  void transmit(const net::Flow& to, std::string_view octets) override;

  void on_message(const net::Flow& from, std::string_view octets, TimePoint now);
  void on_request(const sip::Message& request, const net::Flow& from, TimePoint now);
  void on_invite(const sip::Message& request, const net::Flow& from, TimePoint now);
  void on_response(const sip::Message& response, TimePoint now);
  void answer_invite(int status, TimePoint now);
  void reply(SlotId transaction, const sip::Message& request, int status, std::string_view more, TimePoint now);
  void transmit_request(Outgoing& request);
  [[nodiscard]] std::string credentials(const Outgoing& request, bool proxy, std::string_view challenge) const;
  void acknowledge(const sip::Message& response);
  void later(Duration after, std::function<void()> what);
  [[nodiscard]] net::Flow flow() const;
  [[nodiscard]] std::string own_tag() const;

  World& world_;
  std::string user_;
  Endpoint local_;
  sip::Transport transport_;
  std::unique_ptr<net::Wire> wire_;
  net::TimerWheel wheel_;
  observe::Metrics metrics_;
  transaction::Timers timers_;
  transaction::ServerTransactions servers_;
  transaction::ClientTransactions clients_;
  net::StreamId stream_;
  std::map<std::uint64_t, std::pair<std::unique_ptr<sip::StreamFramer>, std::string>> inputs_;
  struct Later {
    net::Timer timer;
    std::function<void()> what;
  };
  SlotMap<Later> laters_;
  std::vector<Outgoing> outgoing_;
  std::size_t invite_ = SIZE_MAX;  ///< index of the last INVITE in outgoing_
  Dialog dialog_;
  bool confirmed_ = false, cancel_wanted_ = false;
  // The INVITE being served.
  std::unique_ptr<sip::OwnedMessage> served_;
  net::Flow served_from_;
  SlotId served_transaction_;
  std::string final_2xx_;
  bool acked_ = false;
  int next_id_ = 0;
  std::vector<std::string> responses_, requests_;
  std::map<std::string, std::string, std::less<>> last_requests_, last_responses_;
  std::map<std::string, int, std::less<>> last_status_;
};

/// alice and bob, registered; what was said until then is forgotten.
struct TwoPhones {
  explicit TwoPhones(World& in);
  World& world;
  Phone alice, bob;
};

}  // namespace bellhop::scenario
