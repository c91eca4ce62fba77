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

}  // namespace
}  // namespace bellhop::transport
