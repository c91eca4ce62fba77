#include "sip/builder.hpp"

#include <gmock/gmock.h>

#include <string>

#include "sip/test_text.hpp"

namespace bellhop::sip {
namespace {

using test::crlf;
using testing::HasSubstr;
using testing::Not;

const std::string invite = crlf(
    "INVITE sip:bob@192.0.2.9 SIP/2.0\n"
    "Via: SIP/2.0/UDP proxy;rport;branch=z9hG4bK2;received=9.9.9.9, SIP/2.0/UDP ua;branch=z9hG4bK1\n"
    "v: SIP/2.0/TCP first\n"
    "Record-Route: <sip:proxy;lr>\n"
    "Route: <sip:next;lr>\n"
    "Route: <sip:last;lr>\n"
    "Max-Forwards: 69\n"
    "From: \"Alice\" <sip:alice@example.com>;tag=a1\n"
    "To: <sip:bob@example.com>\n"
    "Call-ID: c1@example.com\n"
    "Timestamp: 54\n"
    "CSeq: 17 INVITE\n"
    "Content-Length: 0\n"
    "\n");

Message parsed(const std::string& octets) {
  Message message;
  EXPECT_TRUE(message.parse(octets, Limits{}, false)) << octets;
  return message;
}

std::string response(const std::string& request, StatusCode code, std::string_view via_suffix = {},
                     FieldNames names = FieldNames::as_received) {
  Message message;
  (void)message.parse(request, Limits{}, false);
  std::string out;
  start_response(out, message, code, {}, "t1", via_suffix, names).no_body();
  return out;
}

// [RFC3261 8.2.6.2] Via in order, From, To with a tag, Call-ID and CSeq are the request's; Record-Route for the dialog.
TEST(StartResponse, CopiesWhatTheRfcAsksFor) {
  EXPECT_EQ(
      response(invite, 180, ";received=192.0.2.1;rport=5062"),
      crlf("SIP/2.0 180 Ringing\n"
           "Via: SIP/2.0/UDP proxy;branch=z9hG4bK2;received=192.0.2.1;rport=5062, SIP/2.0/UDP ua;branch=z9hG4bK1\n"
           "Via: SIP/2.0/TCP first\n"
           "Record-Route: <sip:proxy;lr>\n"
           "From: \"Alice\" <sip:alice@example.com>;tag=a1\n"
           "To: <sip:bob@example.com>;tag=t1\n"
           "Call-ID: c1@example.com\n"
           "CSeq: 17 INVITE\n"
           "Content-Length: 0\n\n"));
}

// [RFC3261 8.2.6.1] A 100 copies the Timestamp and gets no tag.
TEST(StartResponse, TryingHasTheTimestampAndNoTag) {
  const std::string trying = response(invite, 100);
  EXPECT_THAT(trying, HasSubstr("\r\nTimestamp: 54\r\n"));
  EXPECT_THAT(trying, HasSubstr("\r\nTo: <sip:bob@example.com>\r\n"));
  EXPECT_THAT(trying, Not(HasSubstr("Record-Route")));
  EXPECT_THAT(trying, HasSubstr("branch=z9hG4bK2;received=9.9.9.9, SIP"));
}

// [RFC3261 12.1.1] Record-Route is for responses that make a dialog.
TEST(StartResponse, ARefusalHasNoRecordRoute) {
  EXPECT_THAT(response(invite, 486), Not(HasSubstr("Record-Route")));
  EXPECT_THAT(response(invite, 200), HasSubstr("Record-Route: <sip:proxy;lr>"));
}

// [RFC3261 8.2.6.2] A To tag that is there stays.
TEST(StartResponse, AnExistingTagIsKept) {
  std::string again = invite;
  again.insert(again.find("To: <sip:bob@example.com>") + 25, ";TAG=t0");
  EXPECT_THAT(response(again, 200), HasSubstr("To: <sip:bob@example.com>;TAG=t0\r\n"));
}

// [CGP-30] Short field names in our own messages.
TEST(StartResponse, CompactNamesAreUsedWhenAskedFor) {
  const std::string compact = response(invite, 200, {}, FieldNames::compact);
  EXPECT_THAT(compact, HasSubstr("\r\nv: SIP/2.0/UDP proxy"));
  EXPECT_THAT(compact, HasSubstr("\r\nf: \"Alice\""));
  EXPECT_THAT(compact, HasSubstr("\r\ni: c1@example.com"));
  EXPECT_THAT(compact, HasSubstr("\r\nl: 0\r\n\r\n"));
}

// [threats 17] the code that answers 400 is itself attack surface: a refused request is answered with a sound message
TEST(StartResponse, ARefusedRequestIsAnsweredSoundly) {
  using namespace std::string_literals;
  for (const std::string& refused :
       {test::options_instead("To", "To: \"open <sip:bob@example.com>"),
        test::options_instead("To", "To: <sip:bob@example.com>;tag="), test::options_with("To: <sip:x@y>;tag=2\n"),
        test::options_instead("Call-ID", "Call-ID: a\rb"), test::options_instead("Max", "Max-Forwards: 300"),
        test::options_instead("From", "From: <sip:a@b>;tag=a\rVia: SIP/2.0/UDP victim")}) {
    Message message;
    ASSERT_FALSE(message.parse(refused, Limits{}, false)) << refused;
    ASSERT_TRUE(answerable(message)) << refused;
    std::string out;
    start_response(out, message, 400, {}, "t1", ";received=192.0.2.7").no_body();
    EXPECT_TRUE(out.starts_with("SIP/2.0 400 Bad Request\r\n"));
    std::string without_lines = out;
    for (std::size_t at; (at = without_lines.find("\r\n")) != std::string::npos;) without_lines.erase(at, 2);
    EXPECT_THAT(without_lines, Not(testing::ContainsRegex("[\r\n]"))) << out;
    EXPECT_THAT(out, Not(HasSubstr("\r\nVia: SIP/2.0/UDP victim")));
  }
}

// [RFC3261 17] An ACK is never answered, nor is a response, nor what has no way back.
TEST(Answerable, NeedsAWayBackAndTheFiveFields) {
  EXPECT_TRUE(answerable(parsed(invite)));
  std::string ack = invite;
  ack.replace(0, 6, "ACK");
  ack.replace(ack.find("17 INVITE"), 9, "17 ACK");
  EXPECT_FALSE(answerable(parsed(ack)));
  EXPECT_FALSE(answerable(parsed(response(invite, 200))));
  for (const auto* field : {"Via:", "From:", "To:", "Call-ID:", "CSeq:"}) {
    const std::string octets = test::options_instead(field, "");
    Message message;
    ASSERT_FALSE(message.parse(octets, Limits{}, false));
    EXPECT_FALSE(answerable(message)) << field;
  }
}

// [RFC3261 9.1] CANCEL: Request-URI, top Via alone, From, To, Call-ID, CSeq number, Route of the request.
TEST(BuildCancel, MirrorsTheRequestWeSent) {
  std::string out;
  build_cancel(out, parsed(invite), "SIP;cause=200;text=\"Call completed elsewhere\"");
  EXPECT_EQ(out, crlf("CANCEL sip:bob@192.0.2.9 SIP/2.0\n"
                      "Via: SIP/2.0/UDP proxy;rport;branch=z9hG4bK2;received=9.9.9.9\n"
                      "Max-Forwards: 70\n"
                      "Route: <sip:next;lr>\n"
                      "Route: <sip:last;lr>\n"
                      "From: \"Alice\" <sip:alice@example.com>;tag=a1\n"
                      "To: <sip:bob@example.com>\n"
                      "Call-ID: c1@example.com\n"
                      "CSeq: 17 CANCEL\n"
                      "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n"
                      "Content-Length: 0\n\n"));
  EXPECT_EQ(parsed(out).method(), Method::cancel);
}

// [RFC3261 17.1.1.3] ACK for a rejection: as CANCEL, but To is the response's.
TEST(BuildAck, TakesToFromTheResponse) {
  const std::string rejection = response(invite, 486);
  std::string out;
  build_ack(out, parsed(invite), parsed(rejection));
  EXPECT_EQ(out, crlf("ACK sip:bob@192.0.2.9 SIP/2.0\n"
                      "Via: SIP/2.0/UDP proxy;rport;branch=z9hG4bK2;received=9.9.9.9\n"
                      "Max-Forwards: 70\n"
                      "Route: <sip:next;lr>\n"
                      "Route: <sip:last;lr>\n"
                      "From: \"Alice\" <sip:alice@example.com>;tag=a1\n"
                      "To: <sip:bob@example.com>;tag=t1\n"
                      "Call-ID: c1@example.com\n"
                      "CSeq: 17 ACK\n"
                      "Content-Length: 0\n\n"));
}

// [RFC3261 7] A message of our own: request line, headers by id and by name, body with its length.
TEST(Builder, WritesWhatTheParserReads) {
  std::string out;
  Builder builder(out);
  builder.request("OPTIONS", "sip:bob@example.com")
      .header(HeaderId::via, "SIP/2.0/UDP h;branch=z9hG4bK1")
      .header(HeaderId::max_forwards, 70)
      .header("from", "<sip:a@b>;tag=1")
      .header(HeaderId::to, "<sip:bob@example.com>")
      .header(HeaderId::call_id, "c1")
      .header(HeaderId::cseq, "1 OPTIONS")
      .header("X-Own", "value");
  builder.body("text/plain", "hello");
  const Message message = parsed(out);
  EXPECT_EQ(message.method(), Method::options);
  EXPECT_EQ(message.from_tag(), "1");
  EXPECT_EQ(message.value_of(HeaderId::content_type), "text/plain");
  EXPECT_EQ(message.body(), "hello");
  EXPECT_NE(message.first("x-own"), nullptr);
}

}  // namespace
}  // namespace bellhop::sip
