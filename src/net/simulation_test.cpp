#include "net/simulation.hpp"

#include <gmock/gmock.h>

#include "net/recording_handler.hpp"
#include "net/timer.hpp"

namespace bellhop::net {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const Endpoint alice_at = *Endpoint::parse("10.0.0.1:5060"), bob_at = *Endpoint::parse("10.0.0.2:5060");
const SocketOptions shared{}, exclusive{.shared = false};
constexpr std::size_t plenty = 1 << 20;

struct Party {
  explicit Party(Simulation& simulation) : wire(simulation.make_wire()), heard(*wire) {}
  SocketId open(const Endpoint& at) { return wire->open_datagram(at, shared).value(); }
  SocketId listen(const Endpoint& at) { return wire->listen_stream(at, shared).value(); }
  StreamId connect(const Endpoint& to) { return wire->connect(to, std::nullopt, {}); }

  std::unique_ptr<Wire> wire;
  RecordingHandler heard;
};

class SimulationTest : public ::testing::Test {
 protected:
  Simulation world{1};
  Party alice{world}, bob{world};
  const TimePoint start = world.now();
};
using SimulatedDatagrams = SimulationTest;
using SimulatedStreams = SimulationTest;
using SimulatedTime = SimulationTest;

// [house 1] A datagram arrives after the one-way delay with its sender's address, and a turn follows.
TEST_F(SimulatedDatagrams, ArriveAfterTheDelay) {
  const SocketId from = alice.open(alice_at);
  bob.open(bob_at);
  world.set_weather({.delay = 20ms});
  alice.wire->send_datagram(from, bob_at, "hello");
  world.run_for(1s);
  EXPECT_THAT(bob.heard.lines, ElementsAre("datagram hello"));
  EXPECT_THAT(bob.heard.times, ElementsAre(start + 20ms));
  EXPECT_EQ(bob.heard.last_from, alice_at);
  EXPECT_EQ(bob.heard.last_turn, start + 20ms);
  EXPECT_EQ(world.now(), start + 1s);
}

// [RFC3261 18.4] A closed port answers with an ICMP error to the sender; a silent address with nothing.
TEST_F(SimulatedDatagrams, ClosedPortIsUnreachableAndSilentAddressIsNot) {
  const SocketId from = alice.open(alice_at);
  alice.wire->send_datagram(from, bob_at, "nobody");
  world.run_for(1s);
  EXPECT_THAT(alice.heard.lines, ElementsAre("unreachable 10.0.0.2:5060"));

  world.set_silent(bob_at.address, true);
  alice.wire->send_datagram(from, bob_at, "nobody");
  world.run_for(1s);
  EXPECT_THAT(alice.heard.lines, SizeIs(1));
}

// [house 1] Loss, duplication and jitter happen at about their rates.
TEST_F(SimulatedDatagrams, WeatherLosesDuplicatesAndReorders) {
  const SocketId from = alice.open(alice_at);
  bob.open(bob_at);
  world.set_weather({.loss = 0.2, .duplicate = 0.1, .delay = 1ms, .jitter = 50ms});
  for (int i = 0; i < 2000; ++i) alice.wire->send_datagram(from, bob_at, fmt::format("{:04}", i));
  world.run_for(1s);
  EXPECT_NEAR(static_cast<double>(bob.heard.lines.size()), 2000 * 0.8 * 1.1, 100);
  EXPECT_FALSE(std::is_sorted(bob.heard.lines.begin(), bob.heard.lines.end()));
  EXPECT_EQ(world.datagrams_sent(), 2000u);
}

std::vector<std::string> stormy_run(std::uint64_t seed) {
  Simulation world{seed};
  Party alice{world}, bob{world};
  const SocketId from = alice.open(alice_at), back = bob.open(bob_at);
  bob.heard.datagram = [&](SocketId, const Endpoint& sender, std::string_view octets) {
    bob.wire->send_datagram(back, sender, octets);
  };
  world.set_weather({.loss = 0.3, .duplicate = 0.3, .delay = 1ms, .jitter = 30ms});
  for (int i = 0; i < 100; ++i) alice.wire->send_datagram(from, bob_at, std::to_string(i));
  world.run_for(10s);
  return alice.heard.lines;
}

// [house 1] Everything chance decides comes from one seed.
TEST(Simulation, SameSeedSameRun) {
  EXPECT_EQ(stormy_run(7), stormy_run(7));
  EXPECT_NE(stormy_run(7), stormy_run(8));
}

// [house 5] Scripted losses: a filter drops what it says.
TEST_F(SimulatedDatagrams, FilterDropsTheFirstOnly) {
  const SocketId from = alice.open(alice_at);
  bob.open(bob_at);
  int seen = 0;
  world.set_filter([&](const Endpoint&, const Endpoint& to, std::string_view octets) {
    EXPECT_EQ(to, bob_at);
    return octets.starts_with("200") && ++seen == 1;
  });
  for (const char* text : {"200 a", "200 b"}) alice.wire->send_datagram(from, bob_at, text);
  world.run_for(1s);
  EXPECT_THAT(bob.heard.lines, ElementsAre("datagram 200 b"));
}

// [dependencies 3.1] Wires that share an address split the senders between them, and keep to the split.
TEST_F(SimulatedDatagrams, SharedAddressIsSplitBySender) {
  Party second{world};
  bob.open(bob_at);
  second.open(bob_at);
  for (std::uint16_t port = 6000; port < 6100; ++port) {
    const SocketId from = alice.open({alice_at.address, port});
    for (int i = 0; i < 2; ++i) alice.wire->send_datagram(from, bob_at, std::to_string(port));
  }
  world.run_for(1s);
  EXPECT_EQ(bob.heard.lines.size() + second.heard.lines.size(), 200u);
  EXPECT_GT(bob.heard.lines.size(), 50u);
  EXPECT_GT(second.heard.lines.size(), 50u);
  for (const std::string& line : bob.heard.lines) EXPECT_THAT(second.heard.lines, Not(Contains(line)));
}

// [CGP-24] An address opened exclusively cannot be opened again until it is closed; port 0 gives a port of its own.
TEST_F(SimulatedDatagrams, OpeningReportsWhatIsTaken) {
  const SocketId id = alice.wire->open_datagram(alice_at, exclusive).value();
  EXPECT_EQ(bob.wire->open_datagram(alice_at, shared).error(), OpenError::address_in_use);
  alice.wire->close_socket(id);
  EXPECT_TRUE(bob.wire->open_datagram(alice_at, shared).has_value());
  const SocketId any = alice.open({alice_at.address, 0});
  EXPECT_GE(alice.wire->local_endpoint(any).port, 40000);
  EXPECT_EQ(alice.wire->open_datagram({}, shared).error(), OpenError::address_not_available);
}

// [RFC3261 18.2.1] Both ends of a connection know both addresses; octets arrive in order on both sides.
TEST_F(SimulatedStreams, ConnectAcceptAndTalk) {
  bob.listen(bob_at);
  bob.heard.data = [&](StreamId id, std::string_view) { bob.wire->send_stream(id, "200 OK", plenty); };
  const StreamId id = alice.wire->connect(bob_at, alice_at.address, {});
  alice.wire->send_stream(id, "INV", plenty);
  alice.wire->send_stream(id, "ITE", plenty);
  world.run_for(1s);
  EXPECT_THAT(alice.heard.lines, ElementsAre("connected", "data 200 OK"));
  EXPECT_THAT(bob.heard.lines, ElementsAre("accept", "data INVITE"));
  EXPECT_EQ(bob.heard.last_local, bob_at);
  EXPECT_EQ(bob.heard.last_from, alice.heard.last_local);
  EXPECT_EQ(bob.heard.last_from, (Endpoint{alice_at.address, 40000}));
}

// [RFC3261 18.4] Nobody listening refuses, a silent address times out, and neither is told before connect() returned.
TEST_F(SimulatedStreams, RefusedAndTimedOut) {
  const StreamId id = alice.connect(bob_at);
  EXPECT_THAT(alice.heard.lines, IsEmpty());
  world.run_for(1s);
  EXPECT_THAT(alice.heard.lines, ElementsAre("closed refused"));
  EXPECT_FALSE(alice.wire->send_stream(id, "x", plenty));

  bob.listen(bob_at);
  world.set_silent(bob_at.address, true);
  (void)alice.connect(bob_at);
  world.run_for(126s);
  EXPECT_THAT(alice.heard.lines, SizeIs(1));
  world.run_for(2s);
  EXPECT_THAT(alice.heard.lines, ElementsAre("closed refused", "closed timed out"));
}

// [RFC3261 18.1.1] The address put into a Via towards a peer is one of ours, of the peer's family.
TEST_F(SimulatedStreams, SourceAddressIsTheFirstOpened) {
  alice.listen(alice_at);
  EXPECT_EQ(alice.wire->source_address_for(bob_at.address), alice_at.address);
  EXPECT_TRUE(alice.wire->source_address_for(*IpAddress::parse("2001:db8::1")).is_loopback());
}

// [house 1] A connection between families cannot exist.
TEST_F(SimulatedStreams, OtherFamilyIsUnreachable) {
  (void)alice.wire->connect(*Endpoint::parse("[2001:db8::1]:5060"), alice_at.address, {});
  world.run_for(1ms);
  EXPECT_THAT(alice.heard.lines, ElementsAre("closed unreachable"));
}

// [threats 69] A peer that never reads costs no more than the limit: overflow here, a reset there.
TEST_F(SimulatedStreams, PeerThatNeverReadsOverflows) {
  bob.listen(bob_at);
  bob.heard.opened = [&](StreamId id) { bob.wire->pause(id, true); };
  const StreamId id = alice.connect(bob_at);
  world.run_for(1s);
  const std::string kilobyte(1024, 'x');
  int accepted = 0;
  while (alice.wire->send_stream(id, kilobyte, 16 * 1024)) {
    ASSERT_LT(++accepted, 1000);
    world.run_for(1ms);
  }
  EXPECT_GE(accepted, 16);
  EXPECT_FALSE(alice.wire->send_stream(id, "more", plenty)) << "the stream has ended";
  world.run_for(1s);
  EXPECT_EQ(alice.heard.lines.back(), "closed too much unsent");
  EXPECT_EQ(bob.heard.lines.back(), "closed reset");
}

// [house 5] Pausing holds data back and loses none of it.
TEST_F(SimulatedStreams, PausedReaderGetsEverythingAfterwards) {
  bob.listen(bob_at);
  bob.heard.opened = [&](StreamId id) { bob.wire->pause(id, true); };
  const StreamId id = alice.connect(bob_at);
  std::string sent;
  for (int i = 0; i < 40'000; ++i) sent += fmt::format("{},", i);
  alice.wire->send_stream(id, sent, plenty);
  alice.wire->close(id, 5s);
  world.run_for(1s);
  EXPECT_THAT(bob.heard.received, IsEmpty());
  bob.wire->pause(bob.heard.streams[0], false);
  world.run_for(1s);
  EXPECT_EQ(bob.heard.received, sent);
  EXPECT_EQ(bob.heard.lines.back(), "closed closed by the peer");
  EXPECT_EQ(alice.heard.lines.back(), "closed closed by us");
}

// [house 5] close() with linger sends what is queued, without linger it does not wait; on_closed comes after the call.
TEST_F(SimulatedStreams, CloseTellsBothEnds) {
  bob.listen(bob_at);
  const StreamId id = alice.connect(bob_at);
  world.run_for(1s);
  alice.wire->send_stream(id, "bye", plenty);
  alice.wire->close(id, Duration(0));
  EXPECT_FALSE(alice.wire->send_stream(id, "late", plenty));
  EXPECT_THAT(alice.heard.lines, ElementsAre("connected"));
  world.run_for(1s);
  EXPECT_THAT(alice.heard.lines, ElementsAre("connected", "closed closed by us"));
  EXPECT_THAT(bob.heard.lines, ElementsAre("accept", "data bye", "closed closed by the peer"));
}

// [house 5] A lingering close gives up when its time is over.
TEST_F(SimulatedStreams, LingerEndsAtItsTime) {
  bob.listen(bob_at);
  bob.heard.opened = [&](StreamId id) { bob.wire->pause(id, true); };
  const StreamId id = alice.connect(bob_at);
  world.run_for(1s);
  alice.wire->send_stream(id, std::string(300'000, 'x'), plenty);
  const TimePoint asked = world.now();
  alice.wire->close(id, 2s);
  world.run_for(10s);
  EXPECT_EQ(alice.heard.lines.back(), "closed closed by us");
  EXPECT_EQ(alice.heard.times.back(), asked + 2s);
}

// [threats 72] break_streams resets both ends of the streams between the two addresses and no others.
TEST_F(SimulatedStreams, BrokenStreamsAreResetAtBothEnds) {
  Party carol{world};
  bob.listen(bob_at);
  (void)alice.wire->connect(bob_at, alice_at.address, {});
  (void)carol.wire->connect(bob_at, IpAddress::v4({10, 0, 0, 3}), {});
  world.run_for(1s);
  world.break_streams(alice_at.address, IpAddress{});
  world.run_for(1s);
  EXPECT_THAT(alice.heard.lines, ElementsAre("connected", "closed reset"));
  EXPECT_THAT(bob.heard.lines, ElementsAre("accept", "accept", "closed reset"));
  EXPECT_THAT(carol.heard.lines, ElementsAre("connected"));
}

// [CGP-72] Keep-alive probing notices a peer that went silent; without it the stream just waits.
TEST_F(SimulatedStreams, KeepAliveNoticesSilence) {
  bob.listen(bob_at);
  const StreamId watched = alice.connect(bob_at), unwatched = alice.connect(bob_at);
  world.run_for(1s);
  alice.wire->set_keepalive(watched, 30s);
  world.set_silent(bob_at.address, true);
  alice.wire->send_stream(unwatched, "held", plenty);
  world.run_for(5min);
  EXPECT_THAT(alice.heard.lines, ElementsAre("connected", "connected", "closed timed out"));
  EXPECT_THAT(bob.heard.received, IsEmpty());
  world.set_silent(bob_at.address, false);
  world.run_for(1s);
  EXPECT_EQ(bob.heard.received, "held");
}

// [house 5] A wire that goes takes its sockets and streams with it; what is on the way to it finds nobody.
TEST_F(SimulatedStreams, DestroyedWireClosesItsStreams) {
  bob.listen(bob_at);
  {
    Party carol{world};
    (void)carol.connect(bob_at);
    world.run_for(1s);
    bob.wire->send_stream(bob.heard.streams[0], "to a ghost", plenty);
  }
  world.run_for(1s);
  EXPECT_THAT(bob.heard.lines, ElementsAre("accept", "closed closed by the peer"));
}

// [house 5] A handler may call the wire from inside every callback; a reconnecting one does not stop the clock.
TEST_F(SimulatedStreams, HandlersMayActInEveryCallback) {
  bob.listen(bob_at);
  bob.heard.opened = [&](StreamId id) {
    bob.wire->send_stream(id, "welcome", plenty);
    bob.wire->close(id, 1s);
  };
  int rounds = 0;
  alice.heard.data = [&](StreamId id, std::string_view) {
    alice.wire->close(id, Duration(0));
    alice.wire->close(id, 1s);
    alice.wire->pause(id, true);
  };
  alice.heard.closed = [&](StreamId, CloseReason) {
    if (++rounds < 50) (void)alice.connect(bob_at);
  };
  (void)alice.connect(bob_at);
  world.run_for(1s);
  EXPECT_EQ(rounds, 50);
  EXPECT_THAT(bob.heard.streams, SizeIs(50));
}

// [house 1] Deadlines give turns at their exact time; 32 seconds of a timer wheel pass without any waiting.
TEST_F(SimulatedTime, DeadlinesGiveTurns) {
  TimerWheel wheel{start};
  Timer timer{1};
  std::vector<Duration> fired;
  Duration interval = 500ms;
  wheel.arm(timer, start + interval);
  alice.heard.deadline = wheel.next_deadline();
  alice.heard.turn = [&](TimePoint now) {
    wheel.advance(now, [&](std::uint64_t) {
      fired.push_back(now - start);
      interval *= 2;
      wheel.arm(timer, now + interval);
    });
    alice.heard.deadline = wheel.next_deadline();
  };
  world.run_for(32s);
  EXPECT_THAT(fired, ElementsAre(500ms, 1500ms, 3500ms, 7500ms, 15500ms, 31500ms));
  EXPECT_LT(alice.heard.turns, 40);
}

// [house 5] A handler whose deadline stays in the past gets turns, but time goes on.
TEST_F(SimulatedTime, PastDeadlineDoesNotStopTheClock) {
  alice.heard.deadline = start - 1s;
  world.run_for(100us);
  EXPECT_EQ(world.now(), start + 100us);
  EXPECT_THAT(alice.heard.turns, ::testing::AllOf(::testing::Ge(50), ::testing::Le(102)));
}

// [house 1] wake() is heard at the current time, once however often it was called.
TEST_F(SimulatedTime, WakeIsHeardOnce) {
  alice.wire->wake();
  alice.wire->wake();
  world.run_for(1s);
  EXPECT_THAT(alice.heard.lines, ElementsAre("wake"));
  EXPECT_THAT(alice.heard.times, ElementsAre(start));
}

// [house 5] run_until_quiet stops at the last event when nothing follows soon, and at the limit when it never ends.
TEST_F(SimulatedTime, RunUntilQuiet) {
  const SocketId from = alice.open(alice_at), back = bob.open(bob_at);
  world.set_weather({.delay = 100ms});
  int left = 5;
  const auto echo = [&](Party& party, SocketId socket) {
    return [&, socket](SocketId, const Endpoint& sender, std::string_view octets) {
      if (--left >= 0) party.wire->send_datagram(socket, sender, octets);
    };
  };
  alice.heard.datagram = echo(alice, from);
  bob.heard.datagram = echo(bob, back);
  alice.wire->send_datagram(from, bob_at, "ping");
  EXPECT_TRUE(world.run_until_quiet(1s, 1h));
  EXPECT_EQ(world.now(), start + 600ms);
  left = 1'000'000;
  alice.wire->send_datagram(from, bob_at, "ping");
  EXPECT_FALSE(world.run_until_quiet(1s, 10s));
  EXPECT_EQ(world.now(), start + 10'600ms);
}

class Answers : public Resolver::Asker {
 public:
  void on_answer(std::uint64_t key, AnswerPtr answer) override {
    keys.push_back(key);
    last = std::move(answer);
  }
  std::vector<std::uint64_t> keys;
  AnswerPtr last;
};

// [KAM-19] A name costs the DNS delay once; then the cache answers until the time to live is over. A before AAAA.
TEST(SimulatedResolver, AnswersAfterTheDelayAndThenFromTheCache) {
  Simulation world{1};
  const auto resolver = world.make_resolver();
  world.add_host("Gateway.example.test", *IpAddress::parse("2001:db8::1"));
  world.add_host("gateway.example.test", *IpAddress::parse("192.0.2.1"));
  world.set_dns_delay(5s);
  Answers answers;
  EXPECT_EQ(resolver->cached(RecordType::address, "gateway.example.test", world.now()), nullptr);
  resolver->ask(RecordType::address, "gateway.EXAMPLE.test.", answers, 9, world.now());
  world.run_for(4s);
  EXPECT_THAT(answers.keys, IsEmpty());
  world.run_for(2s);
  EXPECT_THAT(answers.keys, ElementsAre(9));
  const AnswerPtr cached = resolver->cached(RecordType::address, "gateway.example.test", world.now());
  ASSERT_NE(cached, nullptr);
  EXPECT_THAT(cached->addresses, ElementsAre(*IpAddress::parse("192.0.2.1"), *IpAddress::parse("2001:db8::1")));
  EXPECT_EQ(resolver->cached(RecordType::address, "gateway.example.test", cached->valid_until), nullptr);
  EXPECT_EQ(world.dns_questions(RecordType::address, "gateway.example.test"), 1u);
}

// [KAM-19] A name that does not exist is a negative answer, cached as well; one whose servers fail is not.
TEST(SimulatedResolver, UnknownNameIsNegative) {
  Simulation world{1};
  const auto resolver = world.make_resolver();
  world.set_failing("failing.test");
  Answers answers;
  resolver->ask(RecordType::address, "nowhere.test", answers, 1, world.now());
  world.run_for(1s);
  EXPECT_EQ(answers.last->outcome, Answer::Outcome::absent);
  EXPECT_EQ(resolver->cached(RecordType::address, "nowhere.test", world.now()), answers.last);
  resolver->ask(RecordType::srv, "failing.test", answers, 2, world.now());
  world.run_for(1s);
  EXPECT_EQ(answers.last->outcome, Answer::Outcome::failed);
  EXPECT_EQ(resolver->cached(RecordType::srv, "failing.test", world.now()), nullptr);
}

// [KAM-16] SRV and NAPTR records are answered by their type, in order.
TEST(SimulatedResolver, KnowsServices) {
  Simulation world{1};
  const auto resolver = world.make_resolver();
  world.add_service("_sip._udp.example.test", {20, 0, 5060, "b.example.test"});
  world.add_service("_sip._udp.example.test", {10, 0, 5060, "a.example.test"});
  world.add_pointer("example.test", {50, 50, "s", "SIP+D2T", "_sip._tcp.example.test"});
  Answers answers;
  resolver->ask(RecordType::srv, "_sip._udp.example.test", answers, 1, world.now());
  world.run_for(1s);
  ASSERT_EQ(answers.last->services.size(), 2u);
  EXPECT_EQ(answers.last->services.front().target, "a.example.test");
  resolver->ask(RecordType::naptr, "example.test", answers, 2, world.now());
  world.run_for(1s);
  ASSERT_EQ(answers.last->pointers.size(), 1u);
  EXPECT_EQ(answers.last->pointers.front().service, "SIP+D2T");
}

// [house 5] A resolver that is destroyed drops its questions.
TEST(SimulatedResolver, DestroyedResolverDoesNotCall) {
  Simulation world{1};
  Answers answers;
  world.make_resolver()->ask(RecordType::address, "nowhere.test", answers, 1, world.now());
  world.run_for(1s);
  EXPECT_THAT(answers.keys, IsEmpty());
}

}  // namespace
}  // namespace bellhop::net
