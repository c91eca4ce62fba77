#include "proxy/route_token.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "crypto/subkey.hpp"
#include "sip/values.hpp"

namespace bellhop::proxy {
namespace {

constexpr std::string_view call_id = "a84b4c76e66710";

class RouteTokensTest : public testing::Test {
 protected:
  RouteTokensTest() {
    flow.remote = *Endpoint::parse("192.0.2.7:5060");
    tokens.append_path(path, value, true);
    tokens.append_record_route(record_route, value, call_id);
    tokens.append_contact(contact, value, *sip::parse_uri(phone));
  }
  /// What a URI of ours in brackets says when it comes back.
  [[nodiscard]] RouteTokens::Mark read(const std::string& route) const {
    const auto parsed = sip::parse_name_addr(route);
    EXPECT_TRUE(parsed) << route;
    return parsed ? tokens.read(parsed->uri, call_id) : RouteTokens::Mark{};
  }
  /// The same URI with another value of this parameter.
  [[nodiscard]] static std::string with(std::string uri, std::string_view parameter, const std::string& other) {
    const auto at = uri.find(fmt::format(";{}=", parameter)) + parameter.size() + 2;
    return uri.replace(at, std::min(uri.find_first_of(";>", at), uri.size()) - at, other);
  }
  [[nodiscard]] static std::string value_in(const std::string& uri, std::string_view parameter) {
    const auto at = uri.find(fmt::format(";{}=", parameter)) + parameter.size() + 2;
    return uri.substr(at, std::min(uri.find_first_of(";>", at), uri.size()) - at);
  }
  [[nodiscard]] static std::string mac(const crypto::Key& key, const std::string& text) {
    std::string out;
    crypto::append_base32(out, crypto::short_mac(key, text));
    return out;
  }

  const crypto::Key key = crypto::random_key();
  const RouteTokens tokens{key};
  const std::string phone = "sip:bob@192.168.1.3:5060";
  net::Flow flow;
  const RouteTokens::Value value{.sent_by = "127.0.0.1:5060", .transport = sip::Transport::udp, .flow = &flow};
  std::string path, record_route, contact;
};

// [RFC5626 5.2, RFC3327 5.3] What we wrote comes back with the flow in it
TEST_F(RouteTokensTest, AreReadBack) {
  const auto dialog = read(record_route), registered = read(path);
  EXPECT_TRUE(dialog.ours && !dialog.path && dialog.flow == flow) << record_route;
  EXPECT_TRUE(registered.ours && registered.path && registered.flow == flow) << path;
  const auto named = tokens.read_contact(*sip::parse_uri(contact));
  ASSERT_TRUE(named) << contact;
  EXPECT_EQ(named->uri, phone);
  EXPECT_EQ(named->flow, flow);
}

// [threats 57] Each purpose has its key: what the server's key itself signed, or the key of another purpose, is no
// token
TEST_F(RouteTokensTest, TakeNoSignatureOfAnotherPurpose) {
  const std::string flow_text = value_in(path, "bf"), uri_text = value_in(contact, "bu");
  const std::string of_dialog = std::string(call_id) + "\n" + flow_text, of_path = flow_text + "\n",
                    of_contact = flow_text + "\n" + uri_text;
  const auto dialog_by = [&](const crypto::Key& k) { return with(record_route, "bh", mac(k, of_dialog)); };
  const auto path_by = [&](const crypto::Key& k) { return with(path, "bp", mac(k, of_path)); };
  const auto contact_by = [&](const crypto::Key& k) { return with(contact, "bp", mac(k, of_contact)); };
  ASSERT_EQ(dialog_by(crypto::subkey(key, "dialog")), record_route) << "this is how they are made";
  ASSERT_EQ(path_by(crypto::subkey(key, "path")), path);
  ASSERT_EQ(contact_by(crypto::subkey(key, "path")), contact);
  for (const auto& wrong : {key, crypto::subkey(key, "tag"), crypto::subkey(key, "nonce")}) {
    EXPECT_FALSE(read(dialog_by(wrong)).ours);
    EXPECT_FALSE(read(path_by(wrong)).ours);
    EXPECT_FALSE(tokens.read_contact(*sip::parse_uri(contact_by(wrong))));
  }
  EXPECT_FALSE(read(dialog_by(crypto::subkey(key, "path"))).ours);
  EXPECT_FALSE(read(path_by(crypto::subkey(key, "dialog"))).ours);
}

// [threats 57] Token and flow belong together, and a dialog's token to its Call-ID
TEST_F(RouteTokensTest, CoverTheFlowAndTheCallId) {
  net::Flow other = flow;
  other.remote = *Endpoint::parse("192.0.2.8:5060");
  std::string foreign;
  tokens.append_path(foreign, {.sent_by = "127.0.0.1:5060", .transport = sip::Transport::udp, .flow = &other}, true);
  EXPECT_FALSE(read(with(path, "bf", value_in(foreign, "bf"))).ours);
  EXPECT_FALSE(read(with(record_route, "bf", value_in(foreign, "bf"))).ours);
  EXPECT_FALSE(tokens.read_contact(*sip::parse_uri(with(contact, "bf", value_in(foreign, "bf")))));
  const auto parsed = sip::parse_name_addr(record_route);
  EXPECT_FALSE(tokens.read(parsed->uri, "another").ours);
}

}  // namespace
}  // namespace bellhop::proxy
