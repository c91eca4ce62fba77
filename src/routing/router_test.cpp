#include "routing/router.hpp"

#include <gtest/gtest.h>

namespace bellhop::routing {
namespace {

location::BindingView binding_of(std::string_view contact, std::string_view came_from) {
  location::BindingView binding;
  binding.contact = contact;
  binding.flow.remote = *Endpoint::parse(came_from);
  return binding;
}

// [house 3] Where a Contact plainly names the address its REGISTER came from, that need not be read out of it again.
TEST(DestinationOf, KnowsTheAddressThatAContactPlainlyNames) {
  for (const auto& [contact, from] : {std::pair("sip:bob@192.0.2.7:5070", "192.0.2.7:5070"),
                                      std::pair("sip:b;o=b?:secret@192.0.2.7:5070", "192.0.2.7:5070"),
                                      std::pair("sip:bob@[2001:db8::7]:5070", "[2001:db8::7]:5070")}) {
    EXPECT_EQ(destination_of(binding_of(contact, from)).address, Endpoint::parse(from)) << contact;
  }
}

// [RFC3261 19.1.1] Whatever else stands in a Contact decides where it leads, and is read.
TEST(DestinationOf, ReadsEveryOtherContact) {
  for (const char* contact :
       {"sip:bob@192.0.2.7", "sip:bob@192.0.2.7:50701", "sip:bob@192.0.2.70:5070", "sip:bob@1192.0.2.7:5070",
        "sip:bob@192.0.2.8:5070", "sip:192.0.2.7:5070", "sips:bob@192.0.2.7:5070", "SIP:bob@192.0.2.7:5070",
        "tel:bob@192.0.2.7:5070", "sip:bob@192.0.2.7:5070;transport=tcp", "sip:bob@192.0.2.7:5070;maddr=192.0.2.9",
        "sip:bob@example.test;x=@192.0.2.7:5070", "sip:bob@192.0.2.7:5070?a=b", ""})
    EXPECT_FALSE(destination_of(binding_of(contact, "192.0.2.7:5070")).address) << contact;
}

// [RFC5626 5.3] Behind NAT, over a connection and along a Path it is not the Contact that says where to go.
TEST(DestinationOf, OtherWaysGoBeforeTheContact) {
  location::BindingView natted = binding_of("sip:bob@192.0.2.7:5070", "192.0.2.7:5070");
  natted.natted = true;
  EXPECT_EQ(destination_of(natted).flow, natted.flow);
  EXPECT_FALSE(destination_of(natted).address);
  location::BindingView along_path = binding_of("sip:bob@192.0.2.7:5070", "192.0.2.7:5070");
  along_path.path = "<sip:edge.example.test;lr>";
  EXPECT_FALSE(destination_of(along_path).flow);
}

}  // namespace
}  // namespace bellhop::routing
