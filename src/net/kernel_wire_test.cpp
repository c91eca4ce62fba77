#include "net/kernel_wire.hpp"

#include <gmock/gmock.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fstream>
#include <sstream>
#include <thread>

#include "net/clock.hpp"
#include "net/datagram_batch.hpp"
#include "net/kernel_socket.hpp"
#include "net/recording_handler.hpp"

namespace {

/// Stands between us and the kernel's sending calls while it lives, for what loopback never answers.
struct Refusing {
  static inline Refusing* now = nullptr;
  Refusing() { now = this; }
  ~Refusing() { now = nullptr; }
  Refusing(const Refusing&) = delete;
  Refusing& operator=(const Refusing&) = delete;

  unsigned room = UINT_MAX;  ///< packets taken before it says EAGAIN; a run is one
  int runs = 0;              ///< what it says to runs

  /// How many of these it takes; -1 with errno.
  int take(const mmsghdr* headers, unsigned count) {
    if (runs != 0 && headers != nullptr && headers->msg_hdr.msg_control != nullptr) return errno = runs, -1;
    if (room == 0) return errno = EAGAIN, -1;
    const unsigned taken = std::min(count, room);
    if (room != UINT_MAX) room -= taken;
    return static_cast<int>(taken);
  }
};

}  // namespace

// They are found before those of the C library.
extern "C" int sendmmsg(int socket, mmsghdr* headers, unsigned count, int flags) {
  int taken = static_cast<int>(count);
  if (Refusing::now != nullptr) taken = Refusing::now->take(headers, count);
  return taken < 0 ? -1 : static_cast<int>(::syscall(SYS_sendmmsg, socket, headers, taken, flags));
}
extern "C" ssize_t sendto(int socket, const void* octets, size_t size, int flags, const sockaddr* to,
                          socklen_t length) {
  if (Refusing::now != nullptr && Refusing::now->take(nullptr, 1) < 0) return -1;
  return ::syscall(SYS_sendto, socket, octets, size, flags, to, length);
}

namespace bellhop::net {
namespace {

using ::testing::Contains;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

const Endpoint loopback4 = *Endpoint::parse("127.0.0.1:0"), loopback6 = *Endpoint::parse("[::1]:0");
constexpr std::size_t plenty = 1 << 24;

/// A wire whose loop runs in the test until what is awaited has happened; a minute without it fails.
class KernelWireTest : public ::testing::Test {
 protected:
  /// Not shared, else the kernel may give two of them one port.
  SocketId open(const Endpoint& where, const SocketOptions& options = {.shared = false}) {
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

/// What is sent in one turn: 64 datagrams, where `subject` and `place` are in each.
struct Crowd {
  static constexpr std::size_t count = 64;
  struct Datagram {
    std::size_t peer;
    std::uint64_t subject;
    std::string octets;
  };
  std::vector<Datagram> datagrams;

  Crowd(std::size_t subjects, std::size_t peers, std::size_t sizes) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t subject = 1 + i * 7 % subjects;
      std::string octets = std::to_string(subject) + "/" + std::to_string(i) + "/";
      octets.resize(100 + (i + i / subjects) % sizes * 10, static_cast<char>('a' + i % 26));
      datagrams.push_back({i * 7 % peers, subject, std::move(octets)});
    }
  }
  /// What the peer gets of the subject (of any: 0), in the order in which it was sent.
  [[nodiscard]] std::vector<std::string> to(std::size_t peer, std::uint64_t subject) const {
    std::vector<std::string> chosen;
    for (const Datagram& datagram : datagrams)
      if (datagram.peer == peer && (subject == 0 || datagram.subject == subject)) chosen.push_back(datagram.octets);
    return chosen;
  }
};

// [house 5] Datagrams that leave joined arrive whole and one by one, each at its peer, and never overtake one about the
// same subject.
TEST_F(KernelDatagramsTest, JoinedTheyArriveOneByOne) {
  constexpr std::size_t subjects = 20;
  struct Round {
    Endpoint where;
    std::size_t peers, sizes;
  };
  const Round rounds[] = {{loopback4, 1, 64}, {loopback4, 2, 8}, {loopback4, 10, 3}, {loopback4, 60, 1},
                          {loopback6, 1, 64}, {loopback6, 2, 8}, {loopback6, 10, 3}, {loopback6, 60, 1}};
  for (const auto& [where, peers, sizes] : rounds) {
    const SocketId a = open(where);
    std::vector<SocketId> sockets;
    while (sockets.size() < peers) sockets.push_back(open(where));
    const Crowd crowd(subjects, peers, sizes);
    std::vector<std::vector<std::string>> got(peers);
    std::size_t all = 0;
    heard.datagram = [&](SocketId id, const Endpoint& from, std::string_view octets) {
      EXPECT_EQ(from, at(a));
      got[id - sockets.front()].emplace_back(octets);
      ++all;
    };
    for (const auto& datagram : crowd.datagrams) {
      wire->set_subject(datagram.subject);
      wire->send_datagram(a, at(sockets[datagram.peer]), datagram.octets);
    }
    run_until([&] { return all == Crowd::count; });
    for (std::size_t peer = 0; peer < peers; ++peer) {
      EXPECT_THAT(got[peer], UnorderedElementsAreArray(crowd.to(peer, 0)));
      for (std::uint64_t subject = 1; subject <= subjects; ++subject) {
        const std::string begin = std::to_string(subject) + "/";
        std::vector<std::string> about;
        for (const std::string& octets : got[peer])
          if (octets.starts_with(begin)) about.push_back(octets);
        EXPECT_EQ(about, crowd.to(peer, subject)) << subject;
      }
    }
  }
  EXPECT_EQ(counter("net.udp.sent"), std::size(rounds) * Crowd::count);
  EXPECT_GE(counter("net.udp.joined"), 2 * Crowd::count);
  EXPECT_EQ(counter("net.udp.joins_refused"), 0u);
}

// [house 5] Of one subject, of none, of a quiet turn, and where it is not wanted: the order stays.
TEST_F(KernelDatagramsTest, OrderIsKeptWhereOthersWouldBeOvertaken) {
  const SocketId a = open(loopback4), peers[] = {open(loopback4), open(loopback4)};
  std::vector<std::string> got;
  heard.datagram = [&](SocketId id, const Endpoint&, std::string_view octets) {
    if (id == peers[0]) got.emplace_back(octets);
  };
  const auto in_order = [&](std::size_t subjects, bool all_about_nothing, std::size_t at_once) {
    const Crowd crowd(subjects, 2, 3);
    const std::vector<std::string> expected = crowd.to(0, 0);
    got.clear();
    std::size_t next = 0;
    run_until([&] {
      for (std::size_t n = 0; n < at_once && next < crowd.datagrams.size(); ++n) {
        const auto& datagram = crowd.datagrams[next++];
        wire->set_subject(all_about_nothing ? 0 : datagram.subject);
        wire->send_datagram(a, at(peers[datagram.peer]), datagram.octets);
      }
      wire->wake();
      return got.size() == expected.size();
    });
    return got == expected;
  };
  EXPECT_TRUE(in_order(1, false, 64)) << "one subject";
  EXPECT_TRUE(in_order(20, true, 64)) << "no subject";
  EXPECT_TRUE(in_order(20, false, 15)) << "a quiet turn";
  EXPECT_FALSE(in_order(20, false, 64)) << "or this test shows nothing";
  wire->set_joining(false);
  EXPECT_TRUE(in_order(20, false, 64)) << "not wanted";
}

// [house 5] What is about nothing stays between what was said before and after it.
TEST_F(KernelDatagramsTest, WhatIsAboutNothingIsNotOvertaken) {
  const SocketId a = open(loopback4), b = open(loopback4);
  std::vector<std::string> got;
  heard.datagram = [&](SocketId, const Endpoint&, std::string_view octets) { got.emplace_back(octets); };
  for (std::uint64_t i = 0; i < 20; ++i) {
    wire->set_subject(i == 10 ? 0 : i + 1);
    wire->send_datagram(a, at(b), i == 10 ? "between" : i < 10 ? "before" : "behind");
  }
  run_until([&] { return got.size() == 20; });
  std::vector<std::string> expected(10, "before");
  expected.emplace_back("between");
  expected.resize(20, "behind");
  EXPECT_EQ(got, expected);
  EXPECT_EQ(counter("net.udp.joined"), 19u);
}

// [house 5] Long ones, empty ones and more than one packet holds leave as well, joined or not.
TEST_F(KernelDatagramsTest, JoinedUpToWhatOnePacketHolds) {
  const SocketId a = open(loopback4), b = open(loopback4);
  const auto all_arrive = [&](std::size_t size) {
    const std::uint64_t joined = counter("net.udp.joined");
    std::size_t got = 0;
    heard.datagram = [&](SocketId, const Endpoint&, std::string_view octets) { got += octets.size() == size; };
    for (std::uint64_t i = 0; i < 64; ++i) {
      wire->set_subject(i + 1);
      wire->send_datagram(a, at(b), std::string(size, 'x'));
    }
    run_until([&] { return got == 64; });
    return counter("net.udp.joined") - joined;
  };
  EXPECT_EQ(all_arrive(0), 0u);
  EXPECT_EQ(all_arrive(1), 64u);
  EXPECT_EQ(all_arrive(1232), 64u) << "a run of 52 and one of 12";
  EXPECT_EQ(all_arrive(1233), 0u);
  EXPECT_EQ(counter("net.udp.sent"), 4u * 64);
  EXPECT_EQ(counter("net.udp.send_failed") + counter("net.udp.joins_refused"), 0u);
}

/// The descriptor behind a bound socket of this process.
int descriptor_of(const Endpoint& local) {
  for (int number = 0; number < 1024; ++number) {
    KernelAddress address{};
    socklen_t length = sizeof address;
    if (::getsockname(number, &address.any, &length) == 0 && from_kernel(address) == local) return number;
  }
  return -1;
}

// [house 5] A path that does not take joined datagrams (here: without checksums) gets them one by one.
TEST_F(KernelDatagramsTest, PathThatTakesNoJoinedOnes) {
  const SocketId a = open(loopback4), b = open(loopback4);
  const int none = 1;
  ASSERT_EQ(::setsockopt(descriptor_of(at(a)), SOL_SOCKET, SO_NO_CHECK, &none, sizeof none), 0);
  std::size_t got = 0;
  heard.datagram = [&](SocketId, const Endpoint&, std::string_view) { ++got; };
  for (std::uint64_t i = 0; i < 20; ++i) {
    wire->set_subject(i + 1);
    wire->send_datagram(a, at(b), "alike");
  }
  run_until([&] { return got == 20; });
  EXPECT_EQ(counter("net.udp.joins_refused"), 1u);
  EXPECT_EQ(counter("net.udp.joined"), 0u);
  EXPECT_EQ(counter("net.udp.sent"), 20u);
  EXPECT_EQ(counter("net.udp.send_failed"), 0u);
}

// [house 5] What a full socket could not take leaves later, and what is about one subject still in its order.
TEST_F(KernelDatagramsTest, JoinedOrNotTheyWaitForRoom) {
  const SocketId a = open(loopback4), b = open(loopback4);
  constexpr std::size_t subjects = 20, crowds = 10;
  const Crowd crowd(subjects, 1, 3);
  std::vector<std::vector<std::string>> got(subjects + 1);
  std::size_t all = 0;
  heard.datagram = [&](SocketId, const Endpoint&, std::string_view octets) {
    got[std::stoul(std::string(octets.substr(0, octets.find('/'))))].emplace_back(octets);
    ++all;
  };
  Refusing kernel;
  kernel.room = 10;
  for (std::size_t i = 0; i < crowds * Crowd::count; ++i) {
    const auto& datagram = crowd.datagrams[i % Crowd::count];
    wire->set_subject(datagram.subject);
    wire->send_datagram(a, at(b), datagram.octets);
  }
  EXPECT_LT(counter("net.udp.sent"), crowds * Crowd::count / 2) << "or nothing had to wait";
  run_until([&] {
    kernel.room = 5;
    return all == crowds * Crowd::count;
  });
  for (std::uint64_t subject = 1; subject <= subjects; ++subject) {
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < crowds; ++i)
      for (const std::string& octets : crowd.to(0, subject)) expected.push_back(octets);
    EXPECT_EQ(got[subject], expected) << subject;
  }
  EXPECT_EQ(counter("net.udp.send_dropped") + counter("net.udp.send_failed"), 0u);
  EXPECT_GT(counter("net.udp.joined"), 0u);
}

// [house 5] Where a device takes no joined datagrams at all, none are tried for 10,000 batches.
TEST_F(KernelDatagramsTest, DeviceThatTakesNoJoinedOnes) {
  const SocketId a = open(loopback4), b = open(loopback4);
  std::size_t got = 0, sent = 0;
  heard.datagram = [&](SocketId, const Endpoint&, std::string_view) { ++got; };
  const auto say = [&](std::uint64_t datagrams) {
    for (std::uint64_t i = 0; i < datagrams; ++i, ++sent) {
      wire->set_subject(i + 1);
      wire->send_datagram(a, at(b), "alike");
    }
  };
  {
    Refusing kernel;
    kernel.runs = EIO;
    for (int batches = 0; batches < 3; ++batches) {
      say(20);
      run_until([&] { return got == sent; });
    }
    EXPECT_EQ(counter("net.udp.joins_refused"), 1u);
    EXPECT_EQ(counter("net.udp.sent"), 60u);
  }
  run_until([&] {
    if (got < sent) return false;
    if (sent < 10'060) say(1);
    return got == 10'060;
  });
  say(20);
  run_until([&] { return got == sent; });
  EXPECT_EQ(counter("net.udp.joins_refused"), 1u);
  EXPECT_EQ(counter("net.udp.joined"), 20u);
}

// [RFC3261 18.4] Joined ones to a closed port are reported, and nobody else's are lost.
TEST_F(KernelDatagramsTest, JoinedOnesToAClosedPort) {
  const SocketId a = open(loopback4), b = open(loopback4), gone = open(loopback4);
  const Endpoint closed = at(gone);
  wire->close_socket(gone);
  std::size_t rounds = 0, got = 0;
  heard.datagram = [&](SocketId, const Endpoint&, std::string_view) { ++got; };
  run_until([&] {
    if (rounds < 20) {
      ++rounds;
      for (std::uint64_t i = 0; i < 40; ++i) {
        wire->set_subject(i + 1);
        wire->send_datagram(a, i % 2 == 0 ? closed : at(b), "alike");
      }
      wire->wake();
    }
    return got == 20 * 20 && has("unreachable " + closed.to_string());
  });
  EXPECT_GT(counter("net.udp.joined"), 0u);
  EXPECT_EQ(counter("net.udp.joins_refused"), 0u);
  EXPECT_EQ(counter("net.udp.send_failed"), 0u);
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
  const SocketId a = open(loopback4, {.shared = true});
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
