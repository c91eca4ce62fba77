// Phones behind NAT, signalling side: what tells them, how a dialog finds them again, and what keeps the NAT open. With
// one shard and with three.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "behind_nat.hpp"

namespace bellhop::scenario {
namespace {

using sip::Transport;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* alice_outside = "127.0.0.66:5066";

struct Nat : testing::TestWithParam<unsigned> {
  explicit Nat(std::string_view more = {})
      : world({.shards = GetParam(), .config = World::open_house(more)}),
        alice(world, "alice", alice_outside, "192.168.1.2:5060"),
        bob(world, "bob", "127.0.0.77:5077", "127.0.0.77:5077") {
    EXPECT_THAT(bob.register_contact(), StartsWith("SIP/2.0 200"));
    bob.stranger.forget();
  }
  /// alice calls bob, who answers; what bob heard.
  std::string call() {
    bob.stranger.forget();
    invite = alice.draft("INVITE", "sip:bob@example.test").text();
    alice.tell(invite);
    heard = bob.last("INVITE");
    bob.answer("INVITE", "200 OK");
    answer = alice.last("SIP/2.0 200");
    return heard;
  }
  /// A request of bob's in the dialog, to the Contact he knows.
  Draft of_bob(std::string_view method, const std::string& uri) {
    return in_dialog(bob.draft(method, uri), heard).set("CSeq", fmt::format("{} {}", ++cseq, method));
  }
  /// A request of alice's in the dialog, from wherever she is now.
  Draft of_alice(BehindNat& from, std::string_view method) {
    return in_dialog(from.draft(method, uri_in(line_of(answer, "Contact"))), answer)
        .set("CSeq", fmt::format("{} {}", ++cseq, method));
  }
  World world;
  BehindNat alice, bob;
  std::string invite, heard, answer;
  int cseq = 1;
};
struct NatUnmarked : Nat {
  NatUnmarked() : Nat("[nat]\ncontact_alias = false\n") {}
};
struct NatUnseen : Nat {
  NatUnseen() : Nat("[nat]\ndetect = []\n") {}
};
struct NatByPrivateContact : Nat {
  NatByPrivateContact() : Nat("[nat]\ndetect = [\"private-contact\"]\n") {}
};
INSTANTIATE_TEST_SUITE_P(Shards, Nat, testing::Values(1u, 3u));
INSTANTIATE_TEST_SUITE_P(Shards, NatUnmarked, testing::Values(1u));
INSTANTIATE_TEST_SUITE_P(Shards, NatUnseen, testing::Values(1u));
INSTANTIATE_TEST_SUITE_P(Shards, NatByPrivateContact, testing::Values(1u));

// [RT-14, DET-05, RFC3581 4] An INVITE from behind NAT goes on with received and rport filled in and its Contact marked
TEST_P(Nat, CallerBehindNatIsMarked) {
  call();
  EXPECT_THAT(heard, HasSubstr("\r\nContact: <sip:alice@192.168.1.2:5060;alias=127.0.0.66~5066~1>\r\n"));
  EXPECT_THAT(heard, HasSubstr(";received=127.0.0.66;rport=5066\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContact: <sip:bob@127.0.0.77:5077>\r\n")) << "bob stands where he says";
}

// [RT-14] Which signs count is a setting: with none of them nothing is marked
TEST_P(NatUnseen, NothingIsMarked) {
  EXPECT_THAT(call(), HasSubstr("\r\nContact: <sip:alice@192.168.1.2:5060>\r\n"));
}
// [RT-14] A private address in the Contact is a sign of its own
TEST_P(NatByPrivateContact, IsMarked) {
  EXPECT_THAT(call(), HasSubstr(";alias=127.0.0.66~5066~1>\r\n"));
}

// [RT-16] The BYE to a marked Contact goes where the mark says, without it
TEST_P(Nat, ByeFindsThePhone) {
  call();
  alice.stranger.forget();
  bob.tell(of_bob("BYE", uri_in(line_of(heard, "Contact"))));
  EXPECT_THAT(alice.last(), StartsWith("BYE sip:alice@192.168.1.2:5060 SIP/2.0\r\n"));
}

// [RFC5626 5.2] Without marks the keyed flow in our Route does the same
TEST_P(NatUnmarked, ByeFindsThePhoneByItsFlow) {
  call();
  EXPECT_THAT(heard, HasSubstr("\r\nContact: <sip:alice@192.168.1.2:5060>\r\n"));
  alice.stranger.forget();
  bob.tell(of_bob("BYE", "sip:alice@192.168.1.2:5060"));
  EXPECT_THAT(alice.last(), StartsWith("BYE sip:alice@192.168.1.2:5060 SIP/2.0\r\n"));
}

// [RT-16] A NAT forgets its mapping and makes another: the next request in the dialog brings a new mark, and the BYE
// follows it
TEST_P(Nat, AMovedPhoneIsFollowed) {
  call();
  BehindNat moved(world, "alice", "127.0.0.68:6000", "192.168.1.2:5060");
  moved.tell(of_alice(moved, "INVITE"));
  const std::string again = bob.last("INVITE");
  EXPECT_THAT(again, HasSubstr(";alias=127.0.0.68~6000~1>\r\n"));
  bob.answer("INVITE", "200 OK");
  alice.stranger.forget();
  moved.stranger.forget();
  bob.tell(of_bob("BYE", uri_in(line_of(again, "Contact"))));
  EXPECT_THAT(moved.last(), StartsWith("BYE sip:alice@192.168.1.2:5060 SIP/2.0\r\n"));
  EXPECT_THAT(alice.last(), IsEmpty());
}

// [RT-16, CGP-05] A callee behind NAT: its answer is marked, and ACK and BYE find it
TEST_P(Nat, CalleeBehindNat) {
  BehindNat carol(world, "carol", "127.0.0.88:5088", "192.168.1.3:5060");
  EXPECT_THAT(carol.register_contact(), HasSubstr("received=\"sip:127.0.0.88:5088\""));
  carol.stranger.forget();
  alice.tell(alice.draft("INVITE", "sip:carol@example.test"));
  heard = carol.last("INVITE");
  ASSERT_THAT(heard, StartsWith("INVITE sip:carol@192.168.1.3:5060 SIP/2.0\r\n"));
  const std::string sent = carol.answer("INVITE", "200 OK");
  answer = alice.last("SIP/2.0 200");
  const std::string marked = "\r\nContact: <sip:carol@192.168.1.3:5060;alias=127.0.0.88~5088~1>\r\n";
  EXPECT_THAT(answer, HasSubstr(marked));
  alice.stranger.forget();
  carol.stranger.send(sent);
  world.run_for(milliseconds(50));
  EXPECT_THAT(alice.last(), HasSubstr(marked)) << "a repeat is no other answer";
  for (const char* method : {"ACK", "BYE"}) {
    cseq = method[0] == 'A' ? 0 : 1;
    alice.tell(of_alice(alice, method));
    EXPECT_THAT(carol.last(), StartsWith(fmt::format("{} sip:carol@192.168.1.3:5060 SIP/2.0\r\n", method)));
  }
}

// [RT-16, threats 57] Who is in no dialog has no use for marks: where a request may go out at all, it goes to the host
TEST_P(Nat, MarksAreForDialogsOnly) {
  world.apply(World::open_house("[sip]\nrelay = \"anybody\"\n"));
  BehindNat victim(world, "victim", "127.0.0.99:5099", "127.0.0.99:5099"),
      host(world, "host", "127.0.0.90:5060", "127.0.0.90:5060");
  alice.tell(alice.draft("MESSAGE", "sip:bob@127.0.0.90;alias=127.0.0.99~5099~1"));
  EXPECT_THAT(host.last(), StartsWith("MESSAGE sip:bob@127.0.0.90;alias=127.0.0.99~5099~1 SIP/2.0\r\n"));
  EXPECT_THAT(victim.last(), IsEmpty());
}

// [PAR-10] Each phone behind NAT gets an empty line every 30 s and no other phone does; they are spread over the
// interval
TEST_P(Nat, PhonesBehindNatArePinged) {
  std::vector<std::unique_ptr<BehindNat>> phones;
  for (int i = 0; i < 12; ++i) {
    phones.push_back(std::make_unique<BehindNat>(world, fmt::format("user{}", i), fmt::format("127.0.1.{}:5060", i + 1),
                                                 fmt::format("192.168.1.{}:5060", i + 1)));
    phones.back()->register_contact();
  }
  world.run_for(seconds(120));
  std::set<TimePoint> moments;
  for (const auto& phone : phones) {
    ASSERT_THAT(phone->stranger.pings(), SizeIs(testing::AllOf(testing::Ge(3u), testing::Le(5u))));
    for (std::size_t i = 1; i < phone->stranger.pings().size(); ++i)
      EXPECT_EQ(phone->stranger.pings()[i] - phone->stranger.pings()[i - 1], seconds(30));
    moments.insert(phone->stranger.pings().front());
  }
  EXPECT_GT(moments.size(), 5u);
  EXPECT_THAT(bob.stranger.pings(), IsEmpty());
}

// [PAR-10] As OPTIONS they have the configured From, and their answers are nobody's surprise
TEST_P(Nat, PingsCanBeOptions) {
  world.apply(World::open_house(
      "[nat]\nping = \"options\"\nping_from = \"sip:pinger@kamailio.test\"\nping_interval = \"10s\"\n"));
  alice.register_contact();
  alice.stranger.forget();
  world.run_for(seconds(11));
  const std::string ping = alice.last("OPTIONS");
  ASSERT_THAT(ping, StartsWith("OPTIONS sip:alice@192.168.1.2:5060 SIP/2.0\r\n"));
  EXPECT_THAT(ping, HasSubstr("\r\nFrom: <sip:pinger@kamailio.test>;tag="));
  alice.stranger.send(answer_to(ping, "200 OK"));
  world.run_for(milliseconds(50));
  EXPECT_EQ(world.counter("nat.pings.answered"), 1u);
  EXPECT_EQ(world.counter("responses.stray"), 0u);
}

// [CGP-72] A device that cannot bear pings over TCP gets none; others on connections do
TEST_P(Nat, TcpPingDevicesAreLeftAlone) {
  world.apply(World::open_house("[[device]]\nname = \"Deaf\"\nuser_agent = \"deaf*\"\nworkarounds = [\"tcp-ping\"]\n"));
  BehindNat deaf(world, "carol", "127.0.1.1:5061", "192.168.1.3:5060", Transport::tcp),
      other(world, "dave", "127.0.1.2:5061", "192.168.1.3:5060", Transport::tcp);
  deaf.tell(deaf.draft("REGISTER", "sip:example.test")
                .set("To", "<sip:carol@example.test>")
                .set("User-Agent", "Deaf Phone 1.0"));
  other.register_contact();
  world.run_for(seconds(65));
  EXPECT_THAT(deaf.stranger.pings(), IsEmpty());
  EXPECT_THAT(other.stranger.pings(), SizeIs(2));
}

// [RFC5626 8] A STUN binding request on the SIP port is answered with the address it came from
TEST_P(Nat, StunKeepAlivesAreAnswered) {
  const std::string request(
      "\x00\x01\x00\x00\x21\x12\xA4\x42"
      "abcdefghijkl",
      20);
  alice.tell(request);
  ASSERT_EQ(alice.last().size(), 32u);
  EXPECT_THAT(alice.last(), StartsWith(std::string("\x01\x01\x00\x0c\x21\x12\xA4\x42"
                                                   "abcdefghijkl\x00\x20\x00\x08\x00\x01",
                                                   26)));
  EXPECT_EQ(world.counter("messages.malformed"), 0u);
  world.apply(World::open_house("[nat]\nstun = false\n"));
  EXPECT_THAT(alice.tell(request), IsEmpty());
}

}  // namespace
}  // namespace bellhop::scenario
