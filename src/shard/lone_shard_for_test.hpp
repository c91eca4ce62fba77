#pragma once

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config/loader.hpp"
#include "shard/shard.hpp"

namespace bellhop::shard {

/// A wire without a network: what is sent is counted and the last of it kept.
class MuteWire final : public net::Wire {
 public:
  void set_handler(net::WireHandler&) override {}
  [[nodiscard]] Result<net::SocketId, net::OpenError> open_datagram(const Endpoint& local,
                                                                    const net::SocketOptions&) override {
    local_ = local;
    return net::SocketId{0};
  }
  [[nodiscard]] Result<net::SocketId, net::OpenError> listen_stream(const Endpoint&,
                                                                    const net::SocketOptions&) override {
    return failure(net::OpenError::other);
  }
  [[nodiscard]] Endpoint local_endpoint(net::SocketId) const override { return local_; }
  void close_socket(net::SocketId) override {}
  void send_datagram(net::SocketId, const Endpoint&, std::string_view octets) override {
    ++sent_;
    last_ = octets;
    last_subject_ = subject_;
  }
  [[nodiscard]] net::StreamId connect(const Endpoint&, const std::optional<IpAddress>&,
                                      const net::SocketOptions&) override {
    return {};
  }
  bool send_stream(net::StreamId, std::string_view, std::size_t) override { return false; }
  void close(net::StreamId, Duration) override {}
  void set_keepalive(net::StreamId, Duration) override {}
  void pause(net::StreamId, bool) override {}
  [[nodiscard]] IpAddress source_address_for(const IpAddress&) override { return local_.address; }
  [[nodiscard]] TimePoint now() const override { return now_; }
  void wake() override {}

  void set_now(TimePoint now) { now_ = now; }
  [[nodiscard]] std::size_t sent() const { return sent_; }
  [[nodiscard]] const std::string& last() const { return last_; }
  [[nodiscard]] std::uint64_t last_subject() const { return last_subject_; }

 private:
  Endpoint local_;
  TimePoint now_{seconds(1'700'000'000)};
  std::size_t sent_ = 0;
  std::string last_;
  std::uint64_t last_subject_ = 0;
};

/// One shard with everything it shares and no network: datagrams are handed to it as its wire would. For counting what
/// a message costs, in allocations and in instructions; how it behaves is shown by the scenario tests.
class LoneShard {
 public:
  explicit LoneShard(const std::string& toml) : config_(load(toml)), table_(metrics_, 1), guard_(log_, metrics_, 1) {
    const auto opened = shard_->open();
    if (!opened) throw std::runtime_error(opened.error());
  }

  /// As `user@example.test`.
  void add_account(std::string_view user, std::string_view password) {
    constexpr std::string_view domain = "example.test";
    contents_.accounts.push_back({std::string(user), std::string(domain), true, {}});
    for (auto& credential : storage::make_credentials(user, domain, user, password))
      contents_.credentials.push_back(std::move(credential));
  }
  void accounts_added() { directory_.replace(contents_); }
  void open_journal(const std::string& path) { table_.open_journal({.path = path}, 1, log_, metrics_, wire_.now()); }

  /// Hears a datagram and returns what was answered last.
  const std::string& hear(const Endpoint& from, std::string_view octets) {
    wire().on_datagram(0, from, octets, wire_.now());
    return wire_.last();
  }
  void pass(Duration time) {
    wire_.set_now(wire_.now() + time);
    wire().on_turn(wire_.now());
  }

  [[nodiscard]] std::size_t sent() const { return wire_.sent(); }
  /// What the datagram that was sent last is about (Wire::set_subject).
  [[nodiscard]] std::uint64_t last_subject() const { return wire_.last_subject(); }
  [[nodiscard]] location::Table& table() { return table_; }

 private:
  static config::SnapshotPtr load(const std::string& toml) {
    auto loaded = config::load_text(toml, "lone.toml");
    if (!loaded) throw std::runtime_error(loaded.error().front().to_string());
    return *loaded;
  }
  net::WireHandler& wire() { return *shard_; }

  /// Nobody answers: no test of this kind asks a name.
  class NoResolver final : public net::Resolver {
   public:
    [[nodiscard]] net::AnswerPtr cached(net::RecordType, std::string_view, TimePoint) override { return nullptr; }
    void ask(net::RecordType, std::string_view, Asker&, std::uint64_t, TimePoint) override {}
  };

  MuteWire wire_;
  config::SnapshotPtr config_;
  observe::Log log_{observe::null_sink()};
  observe::Metrics metrics_;
  storage::Directory directory_;
  storage::Directory::Contents contents_;
  location::Table table_;
  guard::Guard guard_;
  transport::Connections connections_;
  transport::Avoided avoided_{metrics_};
  crypto::Key key_{};
  auth::Authenticator authenticator_{directory_, key_, metrics_, config_->auth.nonces_tracked};
  dialog::Calls calls_{metrics_};
  NoResolver resolver_;
  std::unique_ptr<Shard> shard_ = std::make_unique<Shard>(
      std::uint16_t{0}, wire_,
      Shared{log_, directory_, table_, guard_, connections_, avoided_, authenticator_, calls_, resolver_, key_, 1},
      config_, 1);
};

/// What a usual phone says, its parts to be set: the requests the shared bench sends.
struct PhoneText {
  unsigned number = 0;
  unsigned sequence = 0;  ///< of messages: branch and From tag
  unsigned cseq = 1;
  std::string credentials{};  ///< a line with CRLF

  static constexpr std::string_view address = "127.0.0.1:40001";

  [[nodiscard]] std::string options() const {
    return fmt::format(
        "OPTIONS sip:example.test SIP/2.0\r\n{}To: <sip:example.test>\r\nCall-ID: c{:x}-4f2a@sipgen\r\n"
        "CSeq: {} OPTIONS\r\nContact: <sip:u{}@{}>\r\nAccept: application/sdp\r\n"
        "User-Agent: sipgen\r\nContent-Length: 0\r\n\r\n",
        begin(), sequence, cseq, number, address);
  }
  [[nodiscard]] std::string registration() const {
    return fmt::format(
        "REGISTER sip:example.test SIP/2.0\r\n{}To: <sip:u{}@example.test>\r\nCall-ID: r{}-4f2a@sipgen\r\n"
        "CSeq: {} REGISTER\r\n{}Contact: <sip:u{}@{}>\r\nExpires: 3600\r\nAllow: PRACK, INVITE, ACK, BYE, CANCEL, "
        "UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS\r\nUser-Agent: sipgen\r\nContent-Length: 0\r\n\r\n",
        begin(), number, number, cseq, credentials, number, address);
  }

 private:
  [[nodiscard]] std::string begin() const {
    return fmt::format(
        "Via: SIP/2.0/UDP {};rport;branch=z9hG4bK{:x}-a4f2a\r\nMax-Forwards: 70\r\n"
        "From: <sip:u{}@example.test>;tag=f{:x}\r\n",
        address, sequence, number, sequence);
  }
};

}  // namespace bellhop::shard
