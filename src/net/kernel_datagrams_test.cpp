#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "net/datagram_batch.hpp"
#include "net/kernel_wire_for_test.hpp"

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
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

using KernelDatagramsTest = KernelWireTest;

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

// [house 5] A wire that rested takes one datagram, and of what came with it many in a turn.
TEST_F(KernelDatagramsTest, OneDatagramAfterARest) {
  constexpr std::size_t sent = 64;
  const SocketId a = open(loopback4);
  Peer peer(SOCK_DGRAM);
  ASSERT_TRUE(peer.connect(at(a)));
  for (std::size_t i = 0; i < sent; ++i) peer.send("x");
  std::vector<std::uint64_t> received;
  run_until([&] {
    received.push_back(counter("net.udp.received"));
    return received.back() == sent;
  });
  EXPECT_EQ(received.front(), 1u);
  EXPECT_LT(received.size(), sent / 2);
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

}  // namespace
}  // namespace bellhop::net
