#include "location/block.hpp"

#include <gtest/gtest.h>

#include "location/octets.hpp"

namespace bellhop::location {
namespace {

// [house 5] A usual phone's binding, address-of-record included, stays well below 520 octets.
TEST(Block, UsualPhoneCostsLessThan400Octets) {
  Agents agents;
  BindingView b;
  b.contact = "sip:alice@192.168.71.146:51372;transport=udp;ob";
  b.contact_parameters = ";+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"";
  b.instance = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>";
  b.call_id = "1e7a4d2c9b6f4f0e8a5b3c2d1e0f9a8b@192.168.71.146";
  b.user_agent = "MicroSIP/3.20.5";
  b.agent = agents.acquire(b.user_agent);
  const auto block = Block::make(1, "alice@example.test", {&b, 1});
  EXPECT_LT(sizeof(Block) + block->end(), 400u);
  EXPECT_EQ(block->at(block->begin()).instance, b.instance);
  EXPECT_EQ(block->at(block->begin()).user_agent, b.user_agent);
  agents.release(b.agent);
}

// [RFC5626 9] An instance that is not part of the contact parameters is kept beside them.
TEST(Block, InstanceOutsideTheParametersIsKept) {
  BindingView b[2];
  b[0].contact = "sip:a@x.test";
  b[0].instance = "<urn:uuid:1>";
  b[1].contact = "sip:b@x.test";
  const auto block = Block::make(1, "aor", b);
  const auto second = block->after(block->begin());
  EXPECT_EQ(block->at(block->begin()).instance, "<urn:uuid:1>");
  EXPECT_EQ(block->at(second).contact, "sip:b@x.test");
  EXPECT_EQ(block->at(second).instance, "");
  EXPECT_EQ(block->after(second), block->end());
}

// [house 1.4] Flows of every kind of address keep all they are.
TEST(FlowOctets, EveryKindOfFlowComesBackAndDamagedOnesDoNot) {
  for (const char* local : {"192.0.2.1:5060", "[2001:db8::1]:5061"})
    for (const char* remote : {"198.51.100.7:40000", "[2001:db8::2]:1"})
      for (const auto transport : {net::Transport::udp, net::Transport::tcp, net::Transport::wss}) {
        net::Flow flow;
        flow.transport = transport;
        flow.socket = 513;
        flow.local = *Endpoint::parse(local);
        flow.remote = *Endpoint::parse(remote);
        if (flow.is_stream()) flow.stream = {77, 5};
        if (flow.is_stream()) flow.shard = 9;
        const FlowOctets octets(flow);
        EXPECT_EQ(FlowOctets::decode(octets.text()), flow);
        EXPECT_FALSE(FlowOctets::decode(octets.text().substr(1)));
        EXPECT_FALSE(FlowOctets::decode(std::string(octets.text()) + "x"));
      }
  EXPECT_FALSE(FlowOctets::decode(""));
}

// [threats 33] A text lives as long as its last user and no longer.
TEST(Agents, TextIsSharedAndGoesWithItsLastUse) {
  Agents agents;
  const auto* first = agents.acquire("Phone");
  const auto* second = agents.acquire("Phone");
  EXPECT_EQ(first, second);
  agents.release(first);
  EXPECT_EQ(second->text(), "Phone");
  agents.release(second);
  EXPECT_EQ(agents.size(), 0u);
  EXPECT_EQ(agents.acquire(""), nullptr);
  const auto* cut = agents.acquire(std::string(300, 'x'));
  EXPECT_EQ(cut->text().size(), Agents::longest);
  agents.release(cut);
}

}  // namespace
}  // namespace bellhop::location
