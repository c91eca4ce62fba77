#include "proxy/forwarding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/usual_form.hpp"

namespace bellhop::proxy {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string request(std::string_view more = {}, std::string_view uri = "sip:bob@example.test") {
  return "INVITE " + std::string(uri) +
         " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\nMax-Forwards: 70\r\nFrom: "
         "<sip:alice@example.test>;tag=1\r\n"
         "To: <sip:bob@example.test>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n" +
         std::string(more) + "Content-Length: 4\r\n\r\nbody";
}

struct Forwarded {
  explicit Forwarded(std::string_view text) : octets(text) {
    EXPECT_TRUE(message.parse(octets, sip::Limits{}, false)) << octets;
  }
  std::string write(std::string_view uri = "sip:bob@10.0.0.1", std::string_view routes = {},
                    std::string_view via_facts = ";received=192.0.2.1") {
    std::string out;
    sip::Edits edits(message);
    build_forwarded(out, edits, message, facts, copy(uri, routes, via_facts), sip::FieldNames::as_received);
    return out;
  }
  [[nodiscard]] Copy copy(std::string_view uri, std::string_view routes, std::string_view via_facts) const {
    return {.request_uri = uri,
            .routes = routes,
            .via = "SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKours",
            .via_facts = via_facts,
            .record_route = record_route,
            .path = {},
            .contacts = contacts};
  }
  std::string octets;
  sip::Message message;
  ForwardFacts facts;
  std::string record_route;
  ContactEdits contacts;
};

// [RFC3261 16.6] Our Via on top, the client's marked, one hop less, Request-URI of the target, body untouched
TEST(BuildForwarded, DoesWhatAProxyOwes) {
  Forwarded f(request());
  f.facts.max_forwards = 69;
  f.record_route = "<sip:10.1.1.1;lr>";
  const std::string out = f.write();
  EXPECT_THAT(out, StartsWith("INVITE sip:bob@10.0.0.1 SIP/2.0\r\n"));
  EXPECT_LT(out.find("branch=z9hG4bKours"), out.find("branch=z9hG4bKa"));
  EXPECT_THAT(out, HasSubstr("branch=z9hG4bKa;received=192.0.2.1\r\n"));
  EXPECT_THAT(out, HasSubstr("Max-Forwards: 69\r\n"));
  EXPECT_THAT(out, HasSubstr("Record-Route: <sip:10.1.1.1;lr>\r\n"));
  EXPECT_THAT(out, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(out, testing::EndsWith("\r\n\r\nbody"));
}

// [RFC3581 4] rport is filled in, what the client claimed is replaced
TEST(BuildForwarded, ReplacesWhatTheClientClaimed) {
  std::string octets = request();
  octets.replace(octets.find(";branch=z9hG4bKa"), 16, ";rport;received=9.9.9.9;branch=z9hG4bKa;x=y");
  Forwarded f(octets);
  const std::string out = f.write("sip:bob@10.0.0.1", {}, ";received=192.0.2.1;rport=5099");
  EXPECT_THAT(out, Not(HasSubstr("9.9.9.9")));
  EXPECT_THAT(out, HasSubstr("192.0.2.1:5060;branch=z9hG4bKa;x=y;received=192.0.2.1;rport=5099\r\n"));
}

// [RFC3261 16.4] Our Route values are taken off, on one line or several
TEST(BuildForwarded, TakesOwnRoutesOff) {
  Forwarded one(request("Route: <sip:us;lr>, <sip:next;lr>\r\n"));
  one.facts.own_routes = 1;
  EXPECT_THAT(one.write(), HasSubstr("Route: <sip:next;lr>\r\n"));
  Forwarded two(request("Route: <sip:us;lr>\r\nRoute: <sip:us2;lr>\r\n"));
  two.facts.own_routes = 2;
  EXPECT_THAT(two.write(), Not(HasSubstr("Route:")));
}

// [RFC3261 16.6] A next hop without lr gets its own URI as Request-URI, and the target behind all Route values
TEST(BuildForwarded, ServesAStrictRouter) {
  Forwarded f(request("Route: <sip:strict>\r\nRoute: <sip:next;lr>\r\n"));
  const std::string out = f.write();
  EXPECT_THAT(out, StartsWith("INVITE sip:strict SIP/2.0\r\n"));
  EXPECT_THAT(out, HasSubstr("Route: <sip:next;lr>, <sip:bob@10.0.0.1>\r\n"));
}

// [RFC3327 5.2] Path values of the binding go on top of the Route
TEST(BuildForwarded, PutsPathOnTop) {
  Forwarded f(request());
  const std::string out = f.write("sip:bob@10.0.0.1", "<sip:edge;lr>, <sip:core;lr>");
  EXPECT_THAT(out, HasSubstr("Route: <sip:edge;lr>, <sip:core;lr>\r\n"));
  EXPECT_EQ(next_hop_uri(f.message, f.facts, "sip:bob@10.0.0.1", "<sip:edge;lr>, <sip:core;lr>"), "sip:edge;lr");
}

// [RT-13] Credentials for our realm are consumed, those for others pass
TEST(BuildForwarded, ConsumesItsCredentialsOnly) {
  Forwarded f(request(
      "Proxy-Authorization: Digest username=\"a\", realm=\"ours\", nonce=\"1\", uri=\"sip:x\", response=\"0\"\r\n"
      "Proxy-Authorization: Digest username=\"a\", realm=\"theirs\", nonce=\"1\", uri=\"sip:x\", response=\"0\"\r\n"));
  f.facts.consumed_realm = "ours";
  const std::string out = f.write();
  EXPECT_THAT(out, Not(HasSubstr("realm=\"ours\"")));
  EXPECT_THAT(out, HasSubstr("realm=\"theirs\""));
}

// [CGP-55, threats 19] What the caller asserts about itself is taken out; what we know goes in
TEST(BuildForwarded, AssertsTheIdentityItKnows) {
  Forwarded f(
      request("P-Asserted-Identity : <sip:boss@example.test>\r\nP-Preferred-Identity: <sip:x@example.test>\r\n"));
  f.facts.assert_identity = true;
  EXPECT_THAT(f.write(), Not(HasSubstr("boss")));
  f.facts.identity = "alice@example.test";
  const std::string out = f.write();
  EXPECT_THAT(out, HasSubstr("P-Asserted-Identity: <sip:alice@example.test>\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("P-Preferred-Identity")));
}

/// Requests of many forms: each of these lines put in, left out or in the place of another.
std::vector<std::string> many_requests() {
  std::vector<std::string> requests;
  const auto with = [](std::string text, std::string_view part, std::string_view instead) {
    return text.replace(text.find(part), part.size(), instead);
  };
  for (const char* more :
       {"", "Route: <sip:us;lr>\r\n", "Record-Route: <sip:a;lr>\r\nRecord-Route: <sip:b;lr>\r\n", "Max-Breadth: 9\r\n",
        "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKb\r\n", "Route: <sip:us;lr>\r\nX: y\r\nroute : <sip:us2;lr>\r\n",
        "Contact: <sip:alice@192.0.2.1>\r\n", "P-Asserted-Identity: <sip:a@b.test>\r\n", "Privacy: id\r\n",
        "Authorization: Digest realm=\"ours\"\r\nProxy-Authorization: Digest realm=\"theirs\"\r\n",
        "Allow: UPDATE,\r\n INVITE\r\n"}) {
    const std::string plain = request(more);
    requests.push_back(plain);
    requests.push_back(with(plain, "Max-Forwards: 70\r\n", ""));
    requests.push_back(with(plain, "Content-Length: 4\r\n", ""));
    requests.push_back(with(plain, "Via:", "X-First: 1\r\nv :"));
    for (const char* parameters : {"", ";rport", ";rport;branch=z9hG4bKa", ";branch=z9hG4bKa;rport;x", ";rport=5",
                                   ";branch=z9hG4bKa ;rport", ";x=\";rport\";rport", ";RPORT;rports;branch=z9hG4bKa",
                                   ";received=9.9.9.9;rport", ";rports;rport", ";branch=z9hG4bKa, SIP/2.0/UDP b"})
      requests.push_back(with(plain, ";branch=z9hG4bKa", parameters));
  }
  return requests;
}

// [RFC3261 16.6] The usual form of a forwarded request, and the same made by edits, are the same octets
TEST(BuildForwarded, UsualFormIsThatOfTheEdits) {
  std::size_t usual = 0;
  net::Flow natted;
  natted.remote = *Endpoint::parse("198.51.100.7:5099");
  for (const std::string& octets : many_requests()) {
    for (unsigned facts = 0; facts < 128; ++facts) {
      Forwarded f(octets);
      const auto has = [facts](unsigned bit) { return (facts >> bit & 1) != 0; };
      f.facts.own_routes = has(0) ? 2 : 0;
      f.facts.no_route_stays = has(0) && has(1);
      f.facts.max_forwards = has(1) ? 4'294'967'295 : 69;
      if (has(2)) f.facts.consumed_realm = "ours";
      f.facts.assert_identity = has(3);
      if (has(4)) f.facts.identity = "alice@example.test";
      if (has(5)) f.record_route = "<sip:10.1.1.1;lr>";
      if (has(6)) f.contacts.alias = &natted;
      const Copy copy = f.copy("sip:bob@10.0.0.1;method=INVITE", {}, has(1) ? "" : ";received=192.0.2.1;rport=5099");
      sip::Edits edits(f.message);
      std::string out = "kept", by_edits = out;
      build_forwarded(out, edits, f.message, f.facts, copy, sip::FieldNames::as_received);
      build_by_edits(by_edits, edits, f.message, f.facts, copy, sip::FieldNames::as_received);
      ASSERT_EQ(out, by_edits) << octets << facts;
      usual += UsualForm(f.message, f.facts, copy, copy.request_uri).fits_otherwise() ? 1U : 0U;
    }
  }
  EXPECT_GT(usual, 2000U);
}

// [RFC5393 4.2.1] The loop value differs when what routing looks at differs, and is the same when only Via and hops do
TEST(LoopValue, TellsALoopFromASpiral) {
  const Forwarded first(request());
  std::string later = request();
  later.replace(later.find("Max-Forwards: 70"), 16, "Max-Forwards: 68");
  later.insert(later.find("Via:"), "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKother\r\n");
  const Forwarded loop(later);
  const Forwarded spiral(request({}, "sip:carol@example.test"));
  EXPECT_EQ(loop_value(first.message, 1), loop_value(loop.message, 1));
  EXPECT_NE(loop_value(first.message, 1), loop_value(spiral.message, 1));
}

}  // namespace
}  // namespace bellhop::proxy
