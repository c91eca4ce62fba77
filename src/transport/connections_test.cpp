#include "transport/connections.hpp"

#include <gtest/gtest.h>

namespace bellhop::transport {
namespace {

net::Flow flow_from(const char* remote, std::uint32_t index) {
  net::Flow flow;
  flow.transport = sip::Transport::tls;
  flow.stream = {index, 1};
  flow.remote = *Endpoint::parse(remote);
  return flow;
}

constexpr auto tls = sip::Transport::tls;
const Endpoint served = *Endpoint::parse("192.0.2.1:5061");

// [RFC5923 5] A peer that proved who it is may say that it takes requests for its own port over its connection
TEST(Connections, AreReusedInTheOtherDirection) {
  Connections connections;
  const net::Flow flow = flow_from("192.0.2.1:40001", 1);
  connections.add(flow);
  connections.set_identities(flow, {"peer.example.test"});
  connections.add_alias(flow, served);
  EXPECT_EQ(connections.find(tls, served, "peer.example.test"), flow);
  EXPECT_FALSE(connections.find(tls, served, "other.example.test")) << "it did not prove that name";
  connections.remove(flow);
  EXPECT_FALSE(connections.find(tls, served, "peer.example.test"));
}

// [RFC5923 9.1] Who proved nothing is not believed
TEST(Connections, AreNotReusedForStrangers) {
  Connections connections;
  const net::Flow flow = flow_from("192.0.2.1:40001", 1);
  connections.add(flow);
  connections.add_alias(flow, served);
  EXPECT_FALSE(connections.find(tls, served));
}

// [RFC5923 5] The newest connection stands for the address, but never in place of one that really leads there; the end
// of an old one takes nothing away
TEST(Connections, TheNewestIsReused) {
  Connections connections;
  const net::Flow old = flow_from("192.0.2.1:40001", 1), young = flow_from("192.0.2.1:40002", 2);
  for (const net::Flow& flow : {old, young}) {
    connections.add(flow);
    connections.set_identities(flow, {"peer.example.test"});
    connections.add_alias(flow, served);
  }
  EXPECT_EQ(connections.find(tls, served, "peer.example.test"), young);
  EXPECT_FALSE(connections.find(tls, served)) << "who asks for no name gets no alias";
  connections.remove(old);
  EXPECT_EQ(connections.find(tls, served, "peer.example.test"), young);
  const net::Flow real = flow_from("192.0.2.1:5061", 3);
  connections.add(real);
  connections.set_identities(young, {"peer.example.test"});
  connections.add_alias(young, served);
  EXPECT_EQ(connections.find(tls, served), real);
  connections.remove(young);
  EXPECT_EQ(connections.find(tls, served), real);
}

// [RFC5922 7.2] Two domains on one endpoint: each keeps the connection that proves it, and the end of one takes nothing
// from the other
TEST(Connections, OfTwoDomainsOnOneEndpointStandBesideEachOther) {
  for (const bool older_goes_first : {true, false}) {
    Connections connections;
    const net::Flow one = flow_from("192.0.2.1:5061", 1), two = flow_from("192.0.2.1:5061", 2);
    connections.add(one, "one.example.test");
    connections.add(two, "two.example.test");
    EXPECT_EQ(connections.find(tls, served, "one.example.test"), one);
    EXPECT_EQ(connections.find(tls, served, "two.example.test"), two);
    EXPECT_EQ(connections.find(tls, served), two) << "the newest stands for the address";
    EXPECT_TRUE(connections.holds(one) && connections.holds(two));

    connections.set_identities(one, {"also.example.test"});
    connections.note_user(one, "alice@example.test");
    EXPECT_EQ(connections.find(tls, served, "also.example.test"), one);
    EXPECT_EQ(connections.identities(one), std::vector<std::string>{"also.example.test"});
    EXPECT_TRUE(connections.identities(two).empty());

    const net::Flow& first = older_goes_first ? one : two;
    const net::Flow& left = older_goes_first ? two : one;
    EXPECT_EQ(connections.remove(first).size(), older_goes_first ? 1u : 0u) << "users go with their connection";
    EXPECT_EQ(connections.find(tls, served), left);
    EXPECT_FALSE(connections.holds(first));
    connections.remove(left);
    EXPECT_FALSE(connections.find(tls, served));
  }
}

// [RFC3261 18] Of three connections to one endpoint, those that are left stay known in the order of their age
TEST(Connections, TheNextNewestStepsIn) {
  Connections connections;
  const net::Flow a = flow_from("192.0.2.1:5061", 1), b = flow_from("192.0.2.1:5061", 2);
  const net::Flow c = flow_from("192.0.2.1:5061", 3);
  for (const net::Flow& flow : {a, b, c}) connections.add(flow);
  connections.remove(c);
  EXPECT_EQ(connections.find(tls, served), b);
  connections.remove(b);
  EXPECT_EQ(connections.find(tls, served), a);
  EXPECT_TRUE(connections.holds(a));
}

// [USR-12] Whoever registered over a connection is told once, however often he did
TEST(Connections, TellEachUserOnce) {
  Connections connections;
  const net::Flow flow = flow_from("192.0.2.1:40001", 1);
  connections.add(flow);
  for (const char* aor : {"bob@example.test", "alice@example.test", "bob@example.test"})
    connections.note_user(flow, aor);
  EXPECT_EQ(connections.remove(flow), (std::vector<std::string>{"alice@example.test", "bob@example.test"}));
}

}  // namespace
}  // namespace bellhop::transport
