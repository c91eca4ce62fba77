#include <gtest/gtest.h>

#include "transport/connections.hpp"
#include "transport/reply.hpp"
#include "transport/target.hpp"

namespace bellhop::transport {
namespace {

net::Flow from(const char* remote, sip::Transport transport = sip::Transport::udp) {
  net::Flow flow;
  flow.transport = transport;
  flow.remote = *Endpoint::parse(remote);
  return flow;
}

std::string facts(std::string_view via, const char* source) {
  std::string out;
  append_via_facts(out, *sip::parse_via(via), from(source));
  return out;
}

// [RFC3261 18.2.1] received is added when the sent-by is not where it came from
TEST(ViaFacts, ReceivedWhenTheSourceDiffers) {
  EXPECT_EQ(facts("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "192.0.2.1:5060"), "");
  EXPECT_EQ(facts("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "198.51.100.7:5060"), ";received=198.51.100.7");
  EXPECT_EQ(facts("SIP/2.0/UDP phone.example.test;branch=z9hG4bK1", "192.0.2.1:5060"), ";received=192.0.2.1");
}

// [RFC3581 4] rport asks for port and address, even when they agree
TEST(ViaFacts, RportIsFilled) {
  EXPECT_EQ(facts("SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1", "192.0.2.1:40000"),
            ";received=192.0.2.1;rport=40000");
}

// [RFC5118 4.5] An IPv6 received has no brackets
TEST(ViaFacts, Ipv6ReceivedHasNoBrackets) {
  EXPECT_EQ(facts("SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bK1", "[2001:db8::1]:5060"), ";received=2001:db8::1");
}

// [threats 65] What the client wrote as received is never believed
TEST(ViaFacts, ClaimsAreReplaced) {
  EXPECT_EQ(facts("SIP/2.0/UDP 192.0.2.1;received=203.0.113.9;branch=z9hG4bK1", "192.0.2.1:5060"),
            ";received=192.0.2.1");
}

// [RFC3261 18.2.2] Without rport the answer goes to the source address and the sent-by port; with it to the source
// port; on a stream back over it
TEST(ReplyFlow, FollowsTheVia) {
  const auto port = [](std::string_view via, const net::Flow& source) {
    return reply_flow(*sip::parse_via(via), source).remote.port;
  };
  EXPECT_EQ(port("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1", from("192.0.2.1:40000")), 5070);
  EXPECT_EQ(port("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", from("192.0.2.1:40000")), 5060);
  EXPECT_EQ(port("SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1", from("192.0.2.1:40000")), 40000);
  EXPECT_EQ(port("SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK1", from("192.0.2.1:40000", sip::Transport::tcp)), 40000);
}

// [threats 35, threats 65] maddr and received of the Via never name where an answer goes
TEST(ReplyFlow, IgnoresThirdParties) {
  const auto to =
      reply_flow(*sip::parse_via("SIP/2.0/UDP 192.0.2.1;maddr=224.2.0.1;received=203.0.113.9;branch=z9hG4bK1"),
                 from("192.0.2.1:5060"));
  EXPECT_EQ(to.remote.to_string(), "192.0.2.1:5060");
}

// [RFC3261 18.2.2, RFC5922 7.2] A response without a connection goes to the source address and the sent-by port; over
// TLS the sent-by is whom to prove there
TEST(ReplyTarget, IsTheSentByAtTheSource) {
  const IpAddress source = *IpAddress::parse("192.0.2.9");
  const auto target = [&](std::string_view via, sip::Transport transport) {
    return target_of_via(*sip::parse_via(via), transport, source);
  };
  const Target named = target("SIP/2.0/TLS peer.example.test:5071;branch=z9hG4bK1", sip::Transport::tls);
  EXPECT_EQ(named.endpoint.to_string(), "192.0.2.9:5071");
  EXPECT_EQ(named.server_name, "peer.example.test");
  const Target numeric = target("SIP/2.0/TLS [2001:db8::1];branch=z9hG4bK1", sip::Transport::tls);
  EXPECT_EQ(numeric.endpoint.port, 5061);
  EXPECT_EQ(numeric.server_name, "2001:db8::1");
  EXPECT_EQ(target("SIP/2.0/TCP peer.example.test;branch=z9hG4bK1", sip::Transport::tcp).server_name, "");
}

// [RFC3263 4.1, RFC3261 19.1.5] Host, port and transport of the next hop; maddr overrides the host, sips means TLS
TEST(NextHop, IsReadFromTheUri) {
  const auto hop = [](std::string_view uri) { return *next_hop_of(*sip::parse_uri(uri)); };
  EXPECT_EQ(hop("sip:bob@host.test").host, "host.test");
  EXPECT_FALSE(hop("sip:bob@host.test").transport);
  EXPECT_EQ(hop("sip:bob@host.test:5070;transport=TCP").port, 5070);
  EXPECT_EQ(hop("sip:bob@host.test;transport=TCP").transport, sip::Transport::tcp);
  EXPECT_EQ(hop("sip:bob@host.test;maddr=192.0.2.7").host, "192.0.2.7");
  EXPECT_TRUE(hop("sips:bob@host.test").secure);
  EXPECT_EQ(hop("sips:bob@host.test;transport=tcp").transport, sip::Transport::tls);
  EXPECT_EQ(hop("sips:bob@host.test").port_or_default(sip::Transport::tls), 5061);
  EXPECT_EQ(next_hop_of(*sip::parse_uri("sip:bob@host.test;transport=carrier-pigeon")).error(),
            TargetError::unknown_transport);
  EXPECT_EQ(next_hop_of(*sip::parse_uri("tel:+15551234")).error(), TargetError::not_sip);
  EXPECT_EQ(next_hop_of(*sip::parse_uri("sip:bob@host.test:0")).error(), TargetError::no_port);
  EXPECT_EQ(next_hop_of(*sip::parse_uri("sip:bob@host.test"))->port, 0);
}

// [threats 45] Nothing is sent to nobody or to everybody
TEST(Sendable, ExcludesBroadcastMulticastAndPortZero) {
  for (const char* bad :
       {"0.0.0.0:5060", "255.255.255.255:5060", "224.0.1.75:5060", "192.0.2.1:0", "[::]:5060", "[ff02::1]:5060"})
    EXPECT_FALSE(is_sendable(*Endpoint::parse(bad))) << bad;
  EXPECT_TRUE(is_sendable(*Endpoint::parse("192.0.2.1:5060")));
}

// [CGP-26, threats 69] Limits over all shards, for the server and for one address
TEST(Connections, AreLimited) {
  Connections connections;
  const IpAddress a = *IpAddress::parse("192.0.2.1"), b = *IpAddress::parse("192.0.2.2");
  EXPECT_TRUE(connections.admit(a, 3, 2));
  EXPECT_TRUE(connections.admit(a, 3, 2));
  EXPECT_FALSE(connections.admit(a, 3, 2));
  EXPECT_TRUE(connections.admit(b, 3, 2));
  EXPECT_FALSE(connections.admit(b, 3, 2));
  connections.leave(a);
  EXPECT_TRUE(connections.admit(b, 3, 2));
  EXPECT_EQ(connections.size(), 3u);
}

// [CGP-24] A connection is found by its peer until it ends; a newer one from the same peer is not removed with the old
TEST(Connections, AreFoundByTheirPeer) {
  Connections connections;
  net::Flow first = from("192.0.2.1:40000", sip::Transport::tcp), second = first;
  first.stream = {1, 1};
  second.stream = {2, 1};
  connections.add(first);
  EXPECT_EQ(connections.find(sip::Transport::tcp, first.remote)->stream, first.stream);
  connections.add(second);
  connections.remove(first);
  EXPECT_EQ(connections.find(sip::Transport::tcp, first.remote)->stream, second.stream);
  connections.remove(second);
  EXPECT_FALSE(connections.find(sip::Transport::tcp, first.remote));
}

}  // namespace
}  // namespace bellhop::transport
