#include "net/kernel_wire.hpp"

#include <gmock/gmock.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "net/clock.hpp"
#include "net/datagram_batch.hpp"
#include "net/kernel_socket.hpp"
#include "net/recording_handler.hpp"

namespace bellhop::net {
namespace {

using ::testing::Contains;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const Endpoint loopback4 = *Endpoint::parse("127.0.0.1:0"), loopback6 = *Endpoint::parse("[::1]:0");
constexpr std::size_t plenty = 1 << 24;

/// A wire whose loop runs in the test until what is awaited has happened; a minute without it fails.
class KernelWireTest : public ::testing::Test {
 protected:
  SocketId open(const Endpoint& where, const SocketOptions& options = {}) {
    return wire->open_datagram(where, options).value();
  }
  SocketId listen(const Endpoint& where) { return wire->listen_stream(where, {}).value(); }
  Endpoint at(SocketId socket) const { return wire->local_endpoint(socket); }

  void run_until(const std::function<bool()>& done) {
    heard.deadline = clock_now() + 60s;
    heard.turn = [&](TimePoint now) {
      timed_out = now >= heard.deadline;
      if (done() || timed_out) wire->stop();
    };
    heard.closed = [&](StreamId, CloseReason) { wire->wake(); };  // comes after on_turn: look once more
    wire->wake();
    wire->run();
    heard.turn = nullptr;
    ASSERT_FALSE(timed_out) << "what was awaited has not happened";
  }
  [[nodiscard]] bool has(const std::string& line) const {
    return std::find(heard.lines.begin(), heard.lines.end(), line) != heard.lines.end();
  }
  void run_until_line(const std::string& line) {
    run_until([&] { return has(line); });
  }
  std::uint64_t counter(std::string_view name) { return metrics.counter(name).value(); }

  observe::Metrics metrics;
  std::unique_ptr<KernelWire> wire = KernelWire::create(metrics);
  RecordingHandler heard{*wire};
  bool timed_out = false;
};
using KernelDatagramsTest = KernelWireTest;
using KernelStreamsTest = KernelWireTest;
using KernelLoop = KernelWireTest;

/// The other side, as a plain blocking socket.
class Peer {
 public:
  explicit Peer(int kind, bool v6 = false) : socket_(::socket(v6 ? AF_INET6 : AF_INET, kind, 0)) {}
  [[nodiscard]] const Descriptor& socket() const { return socket_; }
  bool connect(const Endpoint& to) {
    KernelAddress address;
    const socklen_t length = to_kernel(to, address);
    return ::connect(socket_.get(), &address.any, length) == 0;
  }
  void send(std::string_view octets) {
    ASSERT_EQ(::send(socket_.get(), octets.data(), octets.size(), 0), static_cast<ssize_t>(octets.size()));
  }
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
  }
  void close() { socket_.reset(); }
  void shut() { ::shutdown(socket_.get(), SHUT_WR); }
  /// Everything until the other side closes.
  std::string read_all() {
    std::string all;
    char buffer[65536];
    for (ssize_t n; (n = ::recv(socket_.get(), buffer, sizeof buffer, 0)) > 0;)
      all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }

 private:
  Descriptor socket_;
};

// [CGP-24] Datagrams of both families arrive with their sender's address, and the real port replaces port 0.
TEST_F(KernelDatagramsTest, TravelOverIpv4AndIpv6) {
  for (const Endpoint& where : {loopback4, loopback6}) {
    const SocketId a = open(where), b = open(where);
    ASSERT_NE(at(a).port, 0);
    wire->send_datagram(a, at(b), "hello");
    const std::size_t before = heard.lines.size();
    run_until([&] { return heard.lines.size() > before + 1; });
    EXPECT_THAT(heard.lines, Contains("datagram hello"));
    EXPECT_EQ(heard.last_from, at(a));
    heard.lines.clear();
  }
}

// [house 5] More than one batch, and sizes from nothing to the largest, pass whole and in order on loopback.
TEST_F(KernelDatagramsTest, PassWholeInEverySize) {
  const SocketId a = open(loopback4), b = open(loopback4);
  std::vector<std::string> sent, got;
  for (std::size_t i = 0; i < 200; ++i) sent.emplace_back(i * i, static_cast<char>('a' + i % 26));
  sent.emplace_back(65507, 'z');
  heard.datagram = [&](SocketId, const Endpoint&, std::string_view octets) { got.emplace_back(octets); };
  // Handed over in steps: the receive buffer may be small here.
  std::size_t next = 0;
  run_until([&] {
    for (int i = 0; i < 4 && next < sent.size() && got.size() + 4 > next; ++i)
      wire->send_datagram(a, at(b), sent[next++]);
    return got.size() == sent.size();
  });
  EXPECT_EQ(got, sent);
  EXPECT_EQ(counter("net.udp.received"), sent.size());
  EXPECT_EQ(counter("net.udp.sent"), sent.size());
}

// [house 5] What is too long or belongs to a closed socket is dropped and counted.
TEST_F(KernelDatagramsTest, WhatCannotBeSentIsCounted) {
  const SocketId a = open(loopback4);
  wire->send_datagram(a, at(a), std::string(65508, 'x'));
  EXPECT_EQ(counter("net.udp.send_dropped"), 1u);
  wire->send_datagram(a, at(a), "last words");
  wire->close_socket(a);
  EXPECT_EQ(counter("net.udp.sent"), 1u) << "said before closing";
  wire->send_datagram(a, loopback4, "x");
  EXPECT_EQ(counter("net.udp.send_dropped"), 2u);
}

// [RFC3261 18.4] An ICMP error is told with the destination it is about; the socket's other traffic is not harmed.
TEST_F(KernelDatagramsTest, ClosedPortIsReportedAndOthersAreServed) {
  for (const Endpoint& where : {loopback4, loopback6}) {
    const SocketId a = open(where), b = open(where), gone = open(where);
    const Endpoint closed = at(gone);
    wire->close_socket(gone);
    int rounds = 0;
    std::size_t answered = 0;
    heard.datagram = [&](SocketId, const Endpoint&, std::string_view) { ++answered; };
    run_until([&] {
      if (rounds < 20) {
        ++rounds;
        wire->send_datagram(a, closed, "nobody");
        wire->send_datagram(a, at(b), "somebody");
        wire->wake();
      }
      return has("unreachable " + closed.to_string()) && answered == 20;
    });
    EXPECT_EQ(counter("net.udp.send_failed"), 0u);
  }
}

// [RFC3261 18.4] What the kernel refuses at once is unreachable as well, told after the call.
TEST_F(KernelDatagramsTest, RefusedByTheKernelIsUnreachable) {
  const SocketId a = open(loopback4);
  const Endpoint impossible = *Endpoint::parse("127.0.0.1:0");
  wire->send_datagram(a, impossible, "x");
  EXPECT_THAT(heard.lines, IsEmpty());
  run_until_line("unreachable 127.0.0.1:0");
  EXPECT_EQ(counter("net.udp.send_failed"), 1u);
}

// [CGP-32] The configured TOS is on every packet.
TEST_F(KernelDatagramsTest, CarryTheConfiguredTos) {
  Peer peer(SOCK_DGRAM);
  ASSERT_TRUE(bind_to(peer.socket(), loopback4));
  ASSERT_TRUE(set_option(peer.socket(), IPPROTO_IP, IP_RECVTOS, 1));
  const SocketId a = open(loopback4, {.tos = 0x68});
  wire->send_datagram(a, local_endpoint_of(peer.socket()), "x");
  run_until([] { return true; });
  char octet;
  alignas(cmsghdr) char control[64];
  iovec vector{&octet, 1};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ASSERT_EQ(::recvmsg(peer.socket().get(), &message, 0), 1);
  const cmsghdr* found = CMSG_FIRSTHDR(&message);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(*CMSG_DATA(found), 0x68);
}

// [CGP-24] Opening reports why it failed; shared sockets may meet, others not.
TEST_F(KernelDatagramsTest, OpeningReportsItsErrors) {
  const SocketId a = open(loopback4);
  EXPECT_TRUE(wire->open_datagram(at(a), {}).has_value());
  EXPECT_EQ(wire->open_datagram(at(a), {.shared = false}).error(), OpenError::address_in_use);
  EXPECT_EQ(wire->open_datagram(*Endpoint::parse("192.0.2.77:0"), {}).error(), OpenError::address_not_available);
  const SocketId b = listen(loopback4);
  EXPECT_EQ(wire->listen_stream(at(b), {.shared = false}).error(), OpenError::address_in_use);
}

// [house 5] Numbers of sockets are not used again.
TEST_F(KernelDatagramsTest, IdsCountUpward) {
  EXPECT_EQ(open(loopback4), 0);
  EXPECT_EQ(listen(loopback4), 1);
  wire->close_socket(0);
  EXPECT_EQ(open(loopback4), 2);
}

// [house 5] The backlog of a full socket is bounded by number and by octets.
TEST(SendBacklog, RefusesWhatDoesNotFit) {
  SendBacklog backlog;
  std::size_t taken = 0;
  while (backlog.add(loopback4, "small")) ++taken;
  EXPECT_EQ(taken, SendBacklog::most_datagrams);
  while (!backlog.empty()) backlog.pop();
  taken = 0;
  while (backlog.add(loopback4, std::string(60'000, 'x'))) ++taken;
  EXPECT_EQ(taken, SendBacklog::most_octets / 60'000);
  backlog.pop();
  EXPECT_TRUE(backlog.add(loopback4, "room again"));
}

// [CGP-25] A connection is told to both sides with both addresses; octets pass both ways, also those queued before.
TEST_F(KernelStreamsTest, ConnectAcceptAndTalk) {
  for (const Endpoint& where : {loopback4, loopback6}) {
    heard.received.clear();
    const SocketId door = listen(where);
    const StreamId caller = wire->connect(at(door), where.address, {});
    wire->send_stream(caller, "INV", plenty);
    wire->send_stream(caller, "ITE", plenty);
    heard.data = [&](StreamId id, std::string_view) {
      if (heard.received == "INVITE" && !(id == caller)) wire->send_stream(id, "/200 OK", plenty);
    };
    run_until([&] { return heard.received == "INVITE/200 OK"; });
    EXPECT_THAT(heard.lines, Contains("connected"));
    EXPECT_THAT(heard.lines, Contains("accept"));
    EXPECT_THAT(heard.lines, Contains("data INVITE")) << "one send for the turn";
    EXPECT_EQ(heard.last_from.address, where.address);
  }
}

// [RFC3261 18.4] A refused connection is told after connect() has returned.
TEST_F(KernelStreamsTest, RefusedConnection) {
  const SocketId door = listen(loopback4);
  const Endpoint nowhere = at(door);
  wire->close_socket(door);
  const StreamId id = wire->connect(nowhere, std::nullopt, {});
  EXPECT_THAT(heard.lines, IsEmpty());
  run_until_line("closed refused");
  EXPECT_FALSE(wire->send_stream(id, "x", plenty));
  EXPECT_EQ(counter("net.tcp.connect_failed"), 1u);
  EXPECT_EQ(metrics.gauge("net.tcp.open").value(), 0);
}

// [house 5] A source address this machine does not have ends in on_closed, not in an exception.
TEST_F(KernelStreamsTest, ForeignSourceAddressIsUnreachable) {
  (void)wire->connect(*Endpoint::parse("127.0.0.1:9"), IpAddress::v4({192, 0, 2, 77}), {});
  run_until_line("closed unreachable");
}

// [threats 69] A reset in mid request ends the stream with `reset`.
TEST_F(KernelStreamsTest, ResetByThePeer) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  peer.send("INV");
  run_until_line("data INV");
  peer.reset();
  run_until_line("closed reset");
}

// [house 5] A peer that shuts only its own direction still gets the answers of that turn.
TEST_F(KernelStreamsTest, HalfClosedPeerGetsItsAnswer) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  peer.send("OPTIONS");
  peer.shut();
  heard.data = [&](StreamId id, std::string_view) { wire->send_stream(id, "200 OK", plenty); };
  run_until_line("closed closed by the peer");
  EXPECT_EQ(peer.read_all(), "200 OK");
}

// [threats 69] A peer that never reads costs at most the limit: the stream ends with overflow.
TEST_F(KernelStreamsTest, PeerThatNeverReadsOverflows) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  run_until_line("accept");
  const StreamId id = heard.streams[0];
  const std::string block(64 * 1024, 'x');
  constexpr std::size_t limit = 1024 * 1024;
  std::size_t accepted = 0;
  run_until([&] {
    while (wire->send_stream(id, block, limit)) ++accepted;
    return has("closed too much unsent");
  });
  EXPECT_GE(accepted, limit / block.size() - 1);
  EXPECT_EQ(counter("net.tcp.overflowed"), 1u);
}

// [house 5] A slow reader gets everything, in order, through EPOLLOUT; then the lingering close ends.
TEST_F(KernelStreamsTest, SlowReaderGetsEverythingBeforeTheClose) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  run_until_line("accept");
  std::string sent;
  for (int i = 0; sent.size() < 12'000'000; ++i) sent += std::to_string(i) + ",";
  ASSERT_TRUE(wire->send_stream(heard.streams[0], sent, plenty));
  wire->close(heard.streams[0], 60s);
  EXPECT_FALSE(wire->send_stream(heard.streams[0], "late", plenty));
  std::string got;
  std::thread reader([&] {
    got = peer.read_all();
    peer.close();
  });
  run_until_line("closed closed by us");
  reader.join();
  EXPECT_TRUE(got == sent);
}

// [threats 8] Our last words reach a peer that has sent more than we read: no reset overtakes them.
TEST_F(KernelStreamsTest, LastWordsAreNotOvertakenByAReset) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  heard.data = [&](StreamId id, std::string_view) {
    wire->send_stream(id, "400", plenty);
    wire->close(id, 60s);
    peer.send("more that nobody wants");
  };
  peer.send("junk");
  std::string got;
  std::thread reader([&] {
    got = peer.read_all();
    peer.close();
  });
  run_until_line("closed closed by us");
  reader.join();
  EXPECT_EQ(got, "400");
  EXPECT_THAT(heard.received, "junk") << "after close() nothing is heard";
}

// [threats 69] A lingering close ends at its time although the peer neither reads nor closes.
TEST_F(KernelStreamsTest, LingerEndsAtItsTime) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  run_until_line("accept");
  wire->send_stream(heard.streams[0], "bye", plenty);
  const TimePoint asked = wire->now();
  wire->close(heard.streams[0], 20ms);
  run_until_line("closed closed by us");
  EXPECT_GE(heard.times.back(), asked + 20ms);
}

// [house 5] close() without linger does not wait, gives what the kernel takes, and on_closed comes after the call.
TEST_F(KernelStreamsTest, CloseAtOnce) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  run_until_line("accept");
  wire->send_stream(heard.streams[0], "bye", plenty);
  wire->close(heard.streams[0], Duration(0));
  EXPECT_THAT(heard.lines, Not(Contains("closed closed by us")));
  run_until_line("closed closed by us");
  EXPECT_EQ(peer.read_all(), "bye");
}

// [house 5] A paused stream delivers nothing until it is resumed, and then everything.
TEST_F(KernelStreamsTest, PausedStreamHoldsDataBack) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  heard.opened = [&](StreamId id) { wire->pause(id, true); };
  run_until_line("accept");
  peer.send("later");
  int turns = 0;
  run_until([&] {
    wire->wake();
    return ++turns == 20;
  });
  EXPECT_THAT(heard.received, IsEmpty());
  wire->pause(heard.streams[0], false);
  run_until_line("data later");
}

/// The timer column of /proc/net/tcp for the connection accepted on this port: "02" is the keep-alive timer.
std::string kernel_timer_of(std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  const std::string wanted = fmt::format(":{:04X}", port);
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string number, local, remote, state, queues, timer;
    fields >> number >> local >> remote >> state >> queues >> timer;
    if (state == "01" && local.ends_with(wanted)) return timer.substr(0, 2);
  }
  return "no such connection";
}

// [CGP-72] Keep-alive starts the kernel's probing timer.
TEST_F(KernelStreamsTest, KeepAliveStartsTheProbingTimer) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  run_until_line("accept");
  EXPECT_EQ(kernel_timer_of(at(door).port), "00");
  wire->set_keepalive(heard.streams[0], 120s);
  EXPECT_EQ(kernel_timer_of(at(door).port), "02");
}

// [threats 69] A reset is noticed although the stream is paused.
TEST_F(KernelStreamsTest, ResetWhilePausedEndsTheStream) {
  const SocketId door = listen(loopback4);
  Peer peer(SOCK_STREAM);
  ASSERT_TRUE(peer.connect(at(door)));
  heard.opened = [&](StreamId id) { wire->pause(id, true); };
  run_until_line("accept");
  peer.reset();
  run_until_line("closed reset");
}

/// Lets this process open no descriptor with a number of `limit` or above while it lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &old_);
    const rlimit tight{limit, old_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &old_); }

 private:
  rlimit old_{};
};

// [threats 69] Out of descriptors: a new connection is closed at once, those open keep working, the next one gets in.
TEST_F(KernelStreamsTest, OutOfDescriptorsRefusesTheNewAndServesTheOld) {
  const SocketId door = listen(loopback4);
  Peer first(SOCK_STREAM), second(SOCK_STREAM), third(SOCK_STREAM);
  ASSERT_TRUE(first.connect(at(door)));
  run_until_line("accept");
  const int lowest_free = Descriptor(::dup(0)).get();
  {
    const DescriptorLimit limit(static_cast<rlim_t>(lowest_free));
    ASSERT_TRUE(second.connect(at(door)));
    first.send("alive");
    run_until_line("data alive");
    run_until([&] { return counter("net.tcp.rejected") == 1; });
    EXPECT_EQ(second.read_all(), "");
  }
  ASSERT_TRUE(third.connect(at(door)));
  run_until([&] { return counter("net.tcp.accepted") == 2; });
}

// [threats 69] When not even the reserve helps, the listener rests instead of spinning, and resumes by itself.
TEST_F(KernelStreamsTest, ListenerRestsWhenNothingHelps) {
  const SocketId door = listen(loopback4);
  Peer first(SOCK_STREAM), second(SOCK_STREAM);
  ASSERT_TRUE(first.connect(at(door)));
  run_until_line("accept");
  {
    const DescriptorLimit limit(0);
    ASSERT_TRUE(second.connect(at(door)));
    const std::uint64_t turns = counter("net.turns");
    first.send("alive");
    run_until_line("data alive");
    EXPECT_LT(counter("net.turns") - turns, 20u);
  }
  run_until([&] { return counter("net.tcp.accepted") == 2; });
}

// [house 5] wake() from another thread ends the wait; many calls are one event.
TEST_F(KernelLoop, WakeFromAnotherThread) {
  heard.woken = [&] { wire->stop(); };
  std::thread waker([&] {
    for (int i = 0; i < 100; ++i) wire->wake();
  });
  wire->run();
  waker.join();
  EXPECT_THAT(heard.lines, SizeIs(Ge(1)));
}

// [house 5] No wake-up is lost when the poster posts before it wakes.
TEST_F(KernelLoop, EveryPostIsSeen) {
  constexpr int posts = 20'000;
  std::atomic<int> posted{0};
  int seen = 0;
  heard.deadline = clock_now() + 60s;
  heard.turn = [&](TimePoint now) {
    if (now >= heard.deadline) wire->stop();
  };
  heard.woken = [&] {
    seen = posted.load();
    if (seen == posts) wire->stop();
  };
  std::thread poster([&] {
    for (int i = 0; i < posts; ++i) {
      ++posted;
      wire->wake();
    }
  });
  wire->run();
  poster.join();
  EXPECT_EQ(seen, posts);
}

// [house 5] stop() called before run() makes it return at once.
TEST_F(KernelLoop, StopBeforeRunIsKept) {
  wire->stop();
  wire->run();
  EXPECT_EQ(heard.turns, 0);
}

// [house 5] A deadline gives one turn at its time: never early, and without spinning up to it.
TEST_F(KernelLoop, DeadlineGivesOneTurn) {
  const TimePoint deadline = clock_now() + microseconds(7'300);
  heard.deadline = deadline;
  heard.turn = [&](TimePoint now) {
    if (now >= deadline) wire->stop();
  };
  wire->run();
  EXPECT_GE(heard.last_turn, deadline);
  EXPECT_LE(heard.turns, 2);
}

// [house 5] A deadline beyond an hour, or in the past, is waited for in pieces without overflow.
TEST_F(KernelLoop, FarAndPastDeadlines) {
  heard.deadline = never - microseconds(1);
  heard.turn = [&](TimePoint) {
    heard.deadline = TimePoint{};
    if (heard.turns == 3) wire->stop();
  };
  wire->wake();
  wire->run();
  EXPECT_EQ(heard.turns, 3);
}

// [RFC3261 18.1.1] The address this host uses towards a peer comes from the routing table.
TEST_F(KernelLoop, SourceAddressTowardsLoopback) {
  EXPECT_EQ(wire->source_address_for(IpAddress::v4({127, 0, 0, 9})), loopback4.address);
  EXPECT_EQ(wire->source_address_for(loopback6.address), loopback6.address);
}

// [house 5] Two threads read the same, never backward time.
TEST(Clock, AgreesWithTheWallAndNeverRunsBackwards) {
  const TimePoint first = clock_now();
  TimePoint elsewhere{};
  std::thread([&] { elsewhere = clock_now(); }).join();
  EXPECT_GE(elsewhere, first);
  EXPECT_GE(clock_now(), elsewhere);
  EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - first), 10s);
}

}  // namespace
}  // namespace bellhop::net
