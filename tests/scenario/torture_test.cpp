// RFC 4475 and RFC 5118 against a whole server: what becomes of each message over UDP and over TCP (tests/data/torture.tsv).
#include <gtest/gtest.h>

#include <sstream>

#include "sip/torture_table_for_test.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {
namespace {

using sip::TortureRow;

bool allows(const std::string& outcomes, const std::string& word) {
  std::istringstream words(outcomes);
  for (std::string one; std::getline(words, one, '|');)
    if (one == word) return true;
  return false;
}

/// The final status codes that left the server, and "forwarded" for a request.
std::vector<std::string> what_left(World& world) {
  std::vector<std::string> out;
  for (const std::string& arrow : world.arrows()) {
    const auto at = arrow.find(" <- ");
    if (at == std::string::npos) continue;
    std::string word = arrow.substr(at + 4, arrow.find(' ', at + 4) - at - 4);
    if (arrow.compare(at + 4, 10, "? SIP/2.0 ") == 0) word = arrow.substr(at + 14, 3);  // an answer that repeats what was broken
    if (word == "100") continue;
    out.push_back(word.size() == 3 && isdigit(static_cast<unsigned char>(word[0])) != 0 ? word : "forwarded");
  }
  return out;
}

std::string config() { return World::default_config({}, "aliases = [\"example.com\"]\n"); }

class Torture : public testing::TestWithParam<std::tuple<TortureRow, sip::Transport>> {};
INSTANTIATE_TEST_SUITE_P(Messages, Torture,
                         testing::Combine(testing::ValuesIn(sip::torture_rows()), testing::Values(sip::Transport::udp, sip::Transport::tcp)),
                         [](const testing::TestParamInfo<Torture::ParamType>& one) {
                           std::string name = std::get<0>(one.param).file + "_" + std::string(sip::param_name(std::get<1>(one.param)));
                           for (char& c : name)
                             if (isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

// [RFC4475 3, RFC5118 4] each message has the outcome the table names, leaves no state and the server serves on
TEST_P(Torture, HasItsOutcome) {
  const auto& [row, transport] = GetParam();
  World world({.config = config()});
  Stranger stranger(world, transport);
  const std::string octets = sip::torture_octets(row.file);
  ASSERT_FALSE(octets.empty()) << row.file;
  stranger.send(octets);
  world.run_for(seconds(60));  // beyond the incomplete-message timer
  const auto left = what_left(world);
  const bool stream = transport == sip::Transport::tcp;
  const bool refused_stream = stream && (row.stream.starts_with("bad_content_length") || row.stream == "need_more");
  if (refused_stream) {
    EXPECT_TRUE(stranger.closed()) << "the framing is lost, so the connection must go";
    for (const std::string& word : left) EXPECT_NE(word, "forwarded");
    if (row.stream == "need_more") {
      EXPECT_TRUE(left.empty() || left.front() == "400" || left.front() == "408");
    }
  } else if (left.empty()) {
    EXPECT_TRUE(allows(row.server, "dropped") || (stream && row.datagram != "accepted")) << "silence; allowed: " << row.server;
  } else {
    EXPECT_TRUE(allows(row.server, left.front())) << left.front() << "; allowed: " << row.server;
  }
  EXPECT_EQ(world.transactions(), 0u);
  EXPECT_EQ(world.gauge("location.bindings"), 0);
  EXPECT_TRUE(Stranger::server_lives(world));
}

}  // namespace
}  // namespace bellhop::scenario
