#include "admin/operator_commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bellhop::admin {
namespace {

using ::testing::HasSubstr;

constexpr TimePoint now{seconds(1'795'185'389)};

struct OperatorCommands : testing::Test {
  OperatorCommands() {
    add_operator_commands(
        commands, {.log = log,
                   .bindings = table,
                   .guard = guard,
                   .guard_rules = [] { return guard::Rules{}; },
                   .now = [] { return now; },
                   .status = [] { return Json().set("state", "running"); },
                   .collect =
                       [this] {
                         observe::Metrics::Values values;
                         metrics.collect(values);
                         return values;
                       },
                   .binding_key = [](std::string_view address) -> std::optional<std::string> {
                     if (!address.ends_with("@example.test")) return std::nullopt;
                     return std::string(address);
                   },
                   .transactions = [this](std::string_view, std::size_t) { return rows; },
                   .trace = [this](const std::string&) { return traced; },
                   .dump_call_packets = [this](bool on) { dumping = on; },
                   .reload = []() -> Reply { return failure(std::string("reload refused: bellhop.toml:1:1: no")); },
                   .drain = [this] { drained = true; },
                   .accounts_changed = [this] { looked = true; }});
  }

  std::string table_of(const Words& words) {
    const Reply reply = commands.run(words);
    return reply ? to_table(*reply) : "error: " + reply.error();
  }

  observe::Log log{observe::null_sink()};
  observe::Metrics metrics;
  location::Table table{metrics, 1};
  guard::Guard guard{log, metrics, 1};
  TransactionRows rows;
  std::vector<observe::Tap::Entry> traced;
  bool dumping = false, drained = false, looked = false;
  Commands commands;
};

// [USR-15] The operator adds, sees and removes bindings.
TEST_F(OperatorCommands, BindingsAreAddedShownAndRemoved) {
  EXPECT_THAT(table_of({"bindings", "add", "alice@example.test", "sip:alice@192.0.2.7", "--expires", "60"}),
              HasSubstr("sip:alice@192.0.2.7"));
  EXPECT_THAT(table_of({"bindings", "list"}), HasSubstr("alice@example.test"));
  EXPECT_EQ(table_of({"bindings", "list", "bob"}), "none\n");
  const Reply shown = commands.run({"bindings", "show", "alice@example.test"});
  ASSERT_TRUE(shown);
  const Json* contact = shown->find("contact 1");
  ASSERT_NE(contact, nullptr);
  EXPECT_EQ(*contact->find("expires_in"), Json(60));
  EXPECT_THAT(table_of({"bindings", "remove", "alice@example.test"}), HasSubstr("removed"));
  EXPECT_THAT(table_of({"bindings", "remove", "alice@example.test"}),
              HasSubstr("error: alice@example.test has no bindings"));
}

// [USR-15] What makes no sense is told with what would be right, and changes nothing.
TEST_F(OperatorCommands, BindingsThatMakeNoSenseAreRefused) {
  EXPECT_THAT(table_of({"bindings", "add", "alice@other.test", "sip:a@192.0.2.7"}),
              HasSubstr("no address of a domain"));
  EXPECT_THAT(table_of({"bindings", "add", "alice@example.test", "nonsense"}), HasSubstr("is no contact"));
  EXPECT_THAT(table_of({"bindings", "add", "alice@example.test", "http://x"}), HasSubstr("a sip, sips or tel URI"));
  EXPECT_THAT(table_of({"bindings", "add", "alice@example.test", "sip:a@b", "--expires", "-1"}),
              HasSubstr("--expires is"));
  EXPECT_EQ(table.bindings(), 0u);
}

// [CGP-48, PAR-13] Bans are listed with their evidence, explained and ended.
TEST_F(OperatorCommands, BansAreListedExplainedAndEnded) {
  const IpAddress source = *IpAddress::parse("192.0.2.7");
  for (int i = 0; i < 17; ++i) (void)guard.judge(source, "OPTIONS sip:100@a SIP/2.0", {}, now);
  EXPECT_THAT(table_of({"guard", "list"}),
              testing::AllOf(HasSubstr("192.0.2.7"), HasSubstr("requests"), HasSubstr("OPTIONS sip:100@a")));
  EXPECT_THAT(table_of({"guard", "why", "192.0.2.7"}), HasSubstr("dropped: banned for requests until"));
  EXPECT_THAT(table_of({"guard", "why", "192.0.2.8"}), HasSubstr("passes within the budget of strangers"));
  EXPECT_THAT(table_of({"guard", "unban", "192.0.2.7"}), HasSubstr("unbanned"));
  EXPECT_EQ(table_of({"guard", "list"}), "none\n");
  EXPECT_THAT(table_of({"guard", "unban", "192.0.2.7"}), HasSubstr("error: 192.0.2.7 is not banned"));
}

// [CGP-48] The operator's own bans and exemptions, for a time or until they are taken back.
TEST_F(OperatorCommands, NetworksAreBannedAndExempted) {
  EXPECT_THAT(table_of({"guard", "ban", "198.51.100.0/24", "--for", "3600", "--why", "calls at night"}),
              testing::AllOf(HasSubstr("deny"), HasSubstr("1h"), HasSubstr("calls at night")));
  EXPECT_THAT(table_of({"guard", "why", "198.51.100.9"}),
              HasSubstr("dropped by the operator's order for 198.51.100.0/24"));
  EXPECT_THAT(table_of({"guard", "exempt", "203.0.113.9"}), HasSubstr("until taken back"));
  EXPECT_THAT(table_of({"guard", "orders"}), testing::AllOf(HasSubstr("198.51.100.0/24"), HasSubstr("203.0.113.9")));
  EXPECT_THAT(table_of({"guard", "unban", "198.51.100.0/24"}), HasSubstr("unbanned"));
  EXPECT_THAT(table_of({"guard", "judge", "203.0.113.9"}), HasSubstr("judged"));
  EXPECT_EQ(table_of({"guard", "orders"}), "none\n");
  for (const Words& wrong :
       {Words{"guard", "ban"}, Words{"guard", "ban", "nonsense"}, Words{"guard", "ban", "192.0.2.7", "--for", "ever"},
        Words{"guard", "why", "10.0.0.0/8"}, Words{"guard", "judge", "192.0.2.7"}})
    EXPECT_THAT(table_of(wrong), HasSubstr("error: "));
  EXPECT_EQ(table_of({"guard", "orders"}), "none\n");
}

// A rule is tried on what is remembered.
TEST_F(OperatorCommands, ARuleIsTriedOut) {
  for (int i = 0; i < 9; ++i) (void)guard.judge(*IpAddress::parse("192.0.2.7"), "", {}, now);
  EXPECT_THAT(table_of({"guard", "try", "requests", "8"}), HasSubstr("192.0.2.7"));
  EXPECT_EQ(table_of({"guard", "try", "requests", "9", "60"}), "none\n");
  EXPECT_THAT(table_of({"guard", "try", "requests", "100"}), HasSubstr("try a limit of at most 16"));
  EXPECT_THAT(table_of({"guard", "try", "order", "1"}), HasSubstr("error: write guard try"));
}

// [CGP-76] The SIPS frame of the monitor.
TEST_F(OperatorCommands, TransactionsAreShownAsTheMonitorShowsThem) {
  rows.server_total = 2;
  rows.server.push_back({"0.38984", 15s, 1, "completed", "udp[10.10.0.226:59645]", "SIGNAL-0.40726", "OPTIONS"});
  EXPECT_THAT(table_of({"transactions"}),
              testing::AllOf(HasSubstr("server  1 of 2 selected"), HasSubstr("waiting (15s)"),
                             HasSubstr("udp[10.10.0.226:59645]"), HasSubstr("SIGNAL-0.40726")));
}

// [CGP-21] Levels are switched at run time, for all tags or one.
TEST_F(OperatorCommands, LogLevelsAreSwitchedAtRunTime) {
  EXPECT_TRUE(commands.run({"log", "level", "major"}));
  EXPECT_TRUE(commands.run({"log", "level", "SIPS", "all-info"}));
  EXPECT_EQ(log.level(observe::Tag::sip_server), observe::Level::all_info);
  EXPECT_EQ(log.level(observe::Tag::sip_client), observe::Level::major);
  EXPECT_THAT(table_of({"log", "level", "mayor"}), HasSubstr("did you mean 'major'?"));
  EXPECT_THAT(table_of({"log", "level", "NOPE", "major"}), HasSubstr("is no log tag"));
}

// [CGP-23] Dump Call-Related Packets is switched at run time.
TEST_F(OperatorCommands, CallPacketsAreDumpedOnDemand) {
  EXPECT_TRUE(commands.run({"log", "dump", "on"}));
  EXPECT_TRUE(dumping);
  EXPECT_TRUE(commands.run({"log", "dump", "off"}));
  EXPECT_FALSE(dumping);
  EXPECT_FALSE(commands.run({"log", "dump"}));
}

// [contract] stats gives every counter and gauge by name.
TEST_F(OperatorCommands, StatsGivesEveryCounterAndGaugeByName) {
  metrics.counter("a.counter").add(5);
  metrics.gauge("a.gauge").set(-2);
  const Reply reply = commands.run({"stats"});
  ASSERT_TRUE(reply);
  EXPECT_EQ(*reply->find("a.counter"), Json(5));
  EXPECT_EQ(*reply->find("a.gauge"), Json(-2));
  EXPECT_NE(reply->find("location.bindings"), nullptr);
  EXPECT_EQ(commands.run({"stats", "a.c"})->as_object()->size(), 1u);
}

// [threats 31] A traced message cannot forge a heading or drive the terminal.
TEST_F(OperatorCommands, TracedMessagesAreIndentedAndEscaped) {
  traced.push_back({now, observe::Tap::Direction::received, "udp", *Endpoint::parse("127.0.0.1:5060"),
                    *Endpoint::parse("192.0.2.7:5060"), "OPTIONS sip:a SIP/2.0\r\nX: \x1b[2J\xc3\xa4\xc2\x9b\r\n\r\n"});
  EXPECT_THAT(table_of({"trace"}), HasSubstr("2026-11-20T14:36:29Z <- udp 127.0.0.1:5060 192.0.2.7:5060 38\n"
                                             "  OPTIONS sip:a SIP/2.0\n  X: \\x1b[2J\xc3\xa4\\x9b\n"));
}

// [contract] A refused reload says why; drain and accounts reach the server.
TEST_F(OperatorCommands, OrdersReachTheServer) {
  EXPECT_THAT(table_of({"reload"}), HasSubstr("error: reload refused: bellhop.toml:1:1"));
  EXPECT_TRUE(commands.run({"drain"}));
  EXPECT_TRUE(commands.run({"accounts", "changed"}));
  EXPECT_TRUE(drained && looked);
}

}  // namespace
}  // namespace bellhop::admin
