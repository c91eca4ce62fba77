#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {

/// A whole message that must be good. Views into `octets`.
[[nodiscard]] sip::Message parsed(const std::string& octets);

/// The server the torture messages are for: it serves example.com, listens on the addresses of RFC 5118 too, relays to
/// anybody and asks nobody for a password, so that no message is refused for a reason that is not its own. Around it
/// are phones of the users that are called (one contact each: the same user at `phones`) and everybody else a message
/// goes to. They answer 200, over UDP.
class TortureHouse {
 public:
  static constexpr const char* phones = "127.0.0.77:5077";
  static constexpr const char* elsewhere = "127.0.0.88:5060";  ///< every foreign name

  explicit TortureHouse(std::string_view domain_lines = open_domain);
  static constexpr std::string_view open_domain = "authenticate = \"none\"\n";

  void add_phone(std::string_view user, std::string_view contact);

  /// From a new sender, who sits where the topmost Via says: answers must find him there. The callees answer 50 ms
  /// later.
  void send(const std::string& octets, sip::Transport transport = sip::Transport::udp);
  void send_file(const char* name) { send(sip_file(name)); }
  /// From the same sender once more.
  void send_more(const std::string& octets);
  [[nodiscard]] static std::string sip_file(const char* name);
  /// An OPTIONS of the sender's own.
  [[nodiscard]] std::string options(std::string_view uri) { return sender_->draft("OPTIONS", uri).text(); }
  [[nodiscard]] Stranger& sender() { return *sender_; }
  [[nodiscard]] std::string answer() const;  ///< the last one the sender got
  /// What this party was asked last; empty: nothing.
  [[nodiscard]] std::string heard(const std::string& party) const;
  Stranger& callee(const std::string& party) { return *callees_.at(party); }
  std::string status_line = "SIP/2.0 200 OK";  ///< of the callees

  /// Everything the server sent since the last call, to whom and what: "sender 200", "127.0.0.77:5077 INVITE".
  [[nodiscard]] std::vector<std::string> left();
  /// What became bound, like "user@example.com sip:user@192.0.2.1".
  [[nodiscard]] std::vector<std::string> bound();
  /// The answer of the registrar to a query for this user.
  [[nodiscard]] std::string fetch(std::string_view user);

  World world;

 private:
  [[nodiscard]] std::vector<std::string> bindings();

  std::map<std::string, std::unique_ptr<Stranger>> callees_;
  std::map<std::string, std::size_t> answered_;
  std::unique_ptr<Stranger> sender_;
  std::vector<std::string> before_;
};

}  // namespace bellhop::scenario
