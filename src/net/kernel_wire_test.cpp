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

#include "net/kernel_wire_for_test.hpp"

namespace bellhop::net {
namespace {

using ::testing::Contains;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using KernelStreamsTest = KernelWireTest;
using KernelLoop = KernelWireTest;

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

// [house 5] A deadline may be brought forward and put off between turns: it is met, never early, for one turn more.
TEST_F(KernelLoop, MovedDeadlinesAreMet) {
  const TimePoint start = clock_now();
  std::vector<TimePoint> turns;
  heard.turn = [&](TimePoint now) {
    turns.push_back(now);
    switch (turns.size()) {
      case 1:
        heard.deadline = start + 1min;
        wire->wake();
        break;
      case 2: heard.deadline = start + 10ms; break;
      case 3:
        heard.deadline = start + 20ms;
        wire->wake();
        break;
      case 4: heard.deadline = start + 30ms; break;
      default:
        if (now >= heard.deadline) wire->stop();
    }
  };
  wire->wake();
  wire->run();
  EXPECT_LE(turns.size(), 6u) << "the alarm rings for what was due before, no more";
  EXPECT_GE(turns[2], start + 10ms);
  EXPECT_LT(turns.back(), start + 1min) << "the alarm stayed where it was";
}

// [house 5] A deadline may be as far off as a time can be: it gives no turn.
TEST_F(KernelLoop, FarDeadlineIsFar) {
  constexpr int wakes = 100;
  heard.deadline = never - microseconds(1);
  std::atomic<int> woken{0};
  heard.woken = [&] {
    if (++woken == wakes) wire->stop();
  };
  std::thread waker([&] {
    for (int i = 0; i < wakes; ++i) {
      wire->wake();
      while (woken.load() <= i) std::this_thread::yield();
    }
  });
  wire->run();
  waker.join();
  EXPECT_LE(heard.turns, wakes);
}

// [house 5] A deadline in the past gives turn after turn.
TEST_F(KernelLoop, PastDeadline) {
  heard.deadline = TimePoint{};
  heard.turn = [&](TimePoint) {
    if (heard.turns == 3) wire->stop();
  };
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
