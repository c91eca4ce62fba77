#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sip/builder.hpp"
#include "sip/edits.hpp"
#include "sip/framing.hpp"
#include "sip/message.hpp"

// The messages captured in the seeds (features.md part 2), line ends CRLF and the lost blank line put back.

namespace bellhop::sip {
namespace {

using Kind = ParseRefusal::Kind;

std::string capture(std::string_view name) {
  std::ifstream file("tests/data/captures/" + std::string(name) + ".sip", std::ios::binary);
  EXPECT_TRUE(file) << name << ": run from the top of the repository";
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Sound {
  const char* name;
  Method method;
  int status;  ///< 0: a request
  std::size_t body;
  bool stream = true;  ///< has a Content-Length, so it is sound on a stream, too
};

const std::vector<Sound> sound{
    {"v01_invite", Method::invite, 0, 346},
    {"v02_trying", Method::invite, 100, 0},
    {"v02_ringing", Method::invite, 180, 0},
    {"v02_ok", Method::invite, 200, 319},
    {"v02_ack", Method::ack, 0, 0},
    {"v02_bye", Method::bye, 0, 0},
    {"v02_bye_ok", Method::bye, 200, 0},
    {"v03_message", Method::message, 0, 5},
    {"v03_ok", Method::message, 200, 0},
    {"v04_options", Method::options, 0, 0},
    {"v04_ok", Method::options, 200, 0},
    {"v05_register", Method::register_, 0, 0},
    {"v05_trying", Method::register_, 100, 0},
    {"v05_unauthorized", Method::register_, 401, 0},
    {"v05_register_again", Method::register_, 0, 0},
    {"v05_trying_again", Method::register_, 100, 0},
    {"v05_ok", Method::register_, 200, 0},
    {"v05_notify", Method::notify, 0, 22},
    {"v06_invite", Method::invite, 0, 0},
    {"v06_trying", Method::invite, 100, 0},
    {"v06_ringing", Method::invite, 180, 0},
    {"v06_ok", Method::invite, 200, 387},
    {"v06_ack", Method::ack, 0, 420},
    {"v07_refer", Method::refer, 0, 0},
    {"v07_accepted", Method::refer, 202, 0},
    {"v07_bye", Method::bye, 0, 0},
    {"v07_bye_ok", Method::bye, 200, 0},
    {"v08_invite", Method::invite, 0, 346},
    {"v08_invite_again", Method::invite, 0, 346},
    {"v09_subscribe", Method::subscribe, 0, 0},
    {"v09_subscribe_ok", Method::subscribe, 200, 0},
    {"v09_notify_ok", Method::notify, 200, 0, false},
    {"v11_invite", Method::invite, 0, 268},
    {"v12_invite_completed", Method::invite, 0, 249},
    {"v13_response", Method::invite, 200, 0, false},
};

// [V-01, V-02, V-03, V-04, V-05, V-06, V-07, V-08, V-09, V-11, V-12] The sound captures parse whole.
TEST(Captures, SoundOnesParseWithTheirExactBody) {
  for (const Sound& expected : sound) {
    SCOPED_TRACE(expected.name);
    const std::string octets = capture(expected.name);
    Message message;
    for (const bool stream : {false, true}) {
      const auto result = message.parse(octets, Limits{}, stream);
      ASSERT_EQ(result.has_value(), expected.stream || !stream) << (result ? "" : result.error().reason);
    }
    ASSERT_TRUE(message.parse(octets, Limits{}, false));
    EXPECT_EQ(message.method(), expected.method);
    EXPECT_EQ(message.status(), StatusCode(expected.status));
    EXPECT_EQ(message.is_request(), expected.status == 0);
    EXPECT_EQ(message.body().size(), expected.body);
    EXPECT_EQ(message.octets().size(), octets.size());
    for (const HeaderField& field : message.headers()) EXPECT_FALSE(message.value(field).empty());
    EXPECT_EQ(message.request_uri().has_value(), message.is_request());
  }
}

// [MSG-08] Unknown and known headers are forwarded in order, byte-exact.
TEST(Captures, PassUnchangedThroughEditsWithoutEdits) {
  for (const Sound& expected : sound) {
    const std::string octets = capture(expected.name);
    Message message;
    ASSERT_TRUE(message.parse(octets, Limits{}, false));
    std::string out;
    Edits(message).write(out);
    EXPECT_EQ(out, octets) << expected.name;
  }
}

// [V-03] The MESSAGE and its 200 came glued in one segment: framing separates them, as all the others.
TEST(Captures, AllInOneStreamAreCutApart) {
  std::string stream;
  std::size_t count = 0;
  for (const Sound& expected : sound) {
    if (!expected.stream) continue;
    stream += capture(expected.name);
    ++count;
  }
  StreamFramer framer;
  std::string_view unread = stream;
  std::size_t found_messages = 0;
  while (!unread.empty()) {
    const auto found = framer.look(unread, Limits{});
    ASSERT_EQ(found.outcome, StreamFramer::Outcome::message);
    Message message;
    EXPECT_TRUE(message.parse(unread.substr(0, found.size), Limits{}, true));
    unread.remove_prefix(found.size);
    framer.consumed();
    ++found_messages;
  }
  EXPECT_EQ(found_messages, count);
}

struct Broken {
  const char* name;
  Kind kind;
  std::string_view reason;
};

// [V-09] NOTIFY whose Content-Length is an ellipsis. [V-10] PUBLISH likewise, and its 200 with a continuation line that
// lacks the white space. [V-12] body 12 octets short. [V-13] a request line without its second space.
TEST(Captures, BrokenOnesAreRefusedForTheirFault) {
  for (const Broken& expected : {
           Broken{"v09_notify", Kind::bad_content_length, "Bad Content-Length"},
           Broken{"v10_publish", Kind::bad_content_length, "Bad Content-Length"},
           Broken{"v10_publish_ok", Kind::bad_response, "Bad Header Line"},
           Broken{"v12_invite", Kind::bad_content_length, "Content-Length Beyond End Of Message"},
           Broken{"v13_request", Kind::malformed, "Bad Request Line"},
       }) {
    SCOPED_TRACE(expected.name);
    const std::string octets = capture(expected.name);
    Message message;
    const auto result = message.parse(octets, Limits{}, false);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, expected.kind);
    EXPECT_EQ(result.error().reason, expected.reason);
    EXPECT_EQ(answerable(message), expected.kind != Kind::bad_response);
  }
}

// [V-01] multihomed phone: Via and Contact name different addresses; media attributes survive
TEST(Captures, MicroSipInviteKeepsItsTwoAddresses) {
  const std::string octets = capture("v01_invite");
  Message message;
  ASSERT_TRUE(message.parse(octets, Limits{}, false));
  EXPECT_EQ(message.top_via().host, "192.168.71.146");
  EXPECT_EQ(message.top_via().port, 50952);
  EXPECT_TRUE(message.top_via().has_rport);
  EXPECT_EQ(message.top_via().rport_text, "");
  const auto contact = parse_contact(message.value_of(HeaderId::contact));
  ASSERT_TRUE(contact);
  EXPECT_EQ(contact->address.uri.host, "192.168.80.11");
  EXPECT_THAT(std::string(message.body()), testing::HasSubstr("a=rtcp:4009 IN IP4"));
}

// [V-04] OPTIONS from CUCM with Max-Forwards 0 is no parser's matter
TEST(Captures, CucmOptionsHasNoHopsLeft) {
  const std::string octets = capture("v04_options");
  Message message;
  ASSERT_TRUE(message.parse(octets, Limits{}, true));
  EXPECT_EQ(message.max_forwards(), 0u);
}

// [V-05] digest without qop, Via echoed with a bare rport, Route with lr
TEST(Captures, CucmRegistrationReadsAsNoted) {
  const std::string octets = capture("v05_register_again");
  Message message;
  ASSERT_TRUE(message.parse(octets, Limits{}, false));
  const auto credentials = parse_auth(message.value_of(HeaderId::authorization));
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->value("username"), "microsip01");
  EXPECT_EQ(credentials->find("qop"), nullptr);
  EXPECT_EQ(message.to().uri.user, "10001");
  const std::string reply = capture("v05_unauthorized");
  ASSERT_TRUE(message.parse(reply, Limits{}, false));
  EXPECT_TRUE(message.top_via().has_rport);
  EXPECT_EQ(message.top_via().rport_text, "");
  EXPECT_EQ(message.to_tag(), "1745811662");
}

// [V-09] a Via folded before ";received="
TEST(Captures, AFoldedViaIsOneValue) {
  const std::string octets = capture("v09_subscribe_ok");
  Message message;
  ASSERT_TRUE(message.parse(octets, Limits{}, false));
  EXPECT_EQ(message.top_via().received, "192.0.2.1");
  EXPECT_TRUE(message.first(HeaderId::via)->folded);
}

}  // namespace
}  // namespace bellhop::sip
