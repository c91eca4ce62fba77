#include "request/answer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace bellhop::request {
namespace {

net::Flow from(const char* source) {
  net::Flow flow;
  flow.remote = *Endpoint::parse(source);
  return flow;
}

std::string request_with(std::string_view via_lines, std::string_view to = "<sip:bob@example.test>",
                         std::string_view method = "INVITE") {
  return fmt::format(
      "{} sip:bob@example.test SIP/2.0\r\n{}Record-Route: <sip:p1.test;lr>,\r\n <sip:p2.test;lr>\r\nMax-Forwards: "
      "70\r\n"
      "f: <sip:alice@example.test>;tag=1\r\nTo: {}\r\nCall-ID:c@192.0.2.1\r\nTimestamp: 54\r\nCSeq: 1 {}\r\n"
      "Record-Route: <sip:p3.test;lr>\r\nContent-Length: 0\r\n\r\n",
      method, via_lines, to, method);
}

/// What the answer is to hold, by the room that writes answers field by field, for whatever request.
std::string expected(const sip::Message& request, const net::Flow& flow, int status, const config::Snapshot& config) {
  AnswerWriter writer;
  return std::string(writer.write_to_refused(request, flow, status, "As It Is", "mine", config));
}

// [RFC3261 8.2.6.2] The quick way to write an answer and the one for requests of any kind agree in every octet.
TEST(AnswerWriter, WritesWhatTheBuilderWouldWrite) {
  config::Snapshot names, compact, nameless;
  compact.sip.short_field_names = true;
  nameless.server.name.clear();
  const std::string usual = "Via: SIP/2.0/UDP 192.0.2.1:5062;rport;branch=z9hG4bKa\r\n";
  for (const std::string& vias : {
           usual,
           std::string(
               "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa;rport\r\nv:SIP/2.0/TCP 198.51.100.1;branch=z9hG4bKb\r\n"),
           std::string(
               "Via: SIP / 2.0 / UDP 192.0.2.9 ; BRANCH=z9hG4bKa ; RPort , SIP/2.0/UDP b.test;branch=z9hG4bKb\r\n"),
           std::string("Via: SIP/2.0/UDP a.test;ttl=1;received=192.0.2.7;branch=z9hG4bKa;rport=77;x=\"a;b\";keep\r\n"),
           std::string("Via: SIP/2.0/UDP 192.0.2.1,SIP/2.0/UDP\r\n c.test;branch=1\r\nVia: SIP/2.0/UDP d.test\r\n"),
           std::string("Via: SIP/2.0/UDP [2001:db8::1];branch=z9hG4bKa;rport\r\n"),
       }) {
    for (const char* to : {"<sip:bob@example.test>", "\"B\" <sip:bob@example.test>;x=1", "<sip:b@a.test>;tag=his"}) {
      for (const char* method : {"INVITE", "REGISTER"}) {
        const std::string text = request_with(vias, to, method);
        sip::Message request;
        ASSERT_TRUE(request.parse(text, sip::Limits{}, false)) << text;
        for (const char* source : {"192.0.2.1:5062", "203.0.113.5:4711", "[2001:db8::1]:5060"})
          for (const int status : {100, 180, 200, 302, 401})
            for (const config::Snapshot* config : {&names, &compact, &nameless}) {
              AnswerWriter writer;
              EXPECT_EQ(writer.write(request, from(source), status, "As It Is", "mine", {}, *config),
                        expected(request, from(source), status, *config));
            }
      }
    }
  }
}

// [RFC7339 4] Further parameters of the top Via replace those of the client's with the same names.
TEST(AnswerWriter, PutsFurtherParametersIntoTheTopVia) {
  const std::string text = request_with("Via: SIP/2.0/UDP 192.0.2.1;rport;oc;branch=z9hG4bKa;oc-algo=\"loss\"\r\n");
  sip::Message request;
  ASSERT_TRUE(request.parse(text, sip::Limits{}, false));
  AnswerWriter writer;
  const std::string answer(
      writer.write(request, from("192.0.2.1:5060"), 503, {}, "mine", "X: 1\r\n", config::Snapshot{}, ";oc=7"));
  EXPECT_TRUE(
      answer.starts_with("SIP/2.0 503 Service Unavailable\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa;"
                         "oc-algo=\"loss\";received=192.0.2.1;rport=5060;oc=7\r\nFrom: "))
      << answer;
  EXPECT_TRUE(answer.ends_with("Server: Bellhop\r\nX: 1\r\nContent-Length: 0\r\n\r\n")) << answer;
}

}  // namespace
}  // namespace bellhop::request
