#include "admin/commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "admin/control_socket.hpp"

namespace bellhop::admin {
namespace {

using ::testing::HasSubstr;

Json words_of(const Words& words) {
  Json list = Json::array();
  for (const std::string& word : words) list.push(word);
  return list;
}

struct CommandsTest : testing::Test {
  CommandsTest() {
    commands.add({"bindings list", "[FILTER]", "", true, [](const Words& w) -> Reply { return words_of(w); }});
    commands.add({"bindings remove", "ADDRESS", "", false, [](const Words&) -> Reply { return Json("gone"); }});
    commands.add({"status", "", "", true, [](const Words&) -> Reply { return Json("well"); }});
    commands.add({"break", "", "", true, [](const Words&) -> Reply { throw std::runtime_error("disk full"); }});
  }
  Commands commands;
};

// [contract] ctl commands have one or two words, the rest are arguments.
TEST_F(CommandsTest, TheWordsBehindTheNameAreArguments) {
  EXPECT_EQ(commands.run({"bindings", "list", "alice", "x y"}), words_of({"alice", "x y"}));
  EXPECT_EQ(commands.run({"status"}), Json("well"));
}

// [contract] An unknown command is answered with what would be right.
TEST_F(CommandsTest, AnUnknownCommandIsToldWithTheLikelyOne) {
  EXPECT_THAT(commands.run({"statsu"}).error(), HasSubstr("did you mean 'status'?"));
  EXPECT_THAT(commands.run({"bindings", "lst"}).error(), HasSubstr("write \"bindings list\" or \"bindings remove\""));
  EXPECT_THAT(commands.run({}).error(), HasSubstr("'help' lists them all"));
}

// [contract] What changes something is not for the HTTP side.
TEST_F(CommandsTest, ReadOnlyRequestsCannotChangeAnything) {
  EXPECT_TRUE(commands.run({"bindings", "remove", "a"}));
  EXPECT_FALSE(commands.run_read_only({"bindings", "remove", "a"}));
  EXPECT_TRUE(commands.run_read_only({"bindings", "list"}));
}

// [house 4] One admin request may fail, the server may not.
TEST_F(CommandsTest, ACommandThatThrowsIsAnAnswer) {
  EXPECT_THAT(commands.run({"break"}).error(), HasSubstr("break failed: disk full"));
}

// [contract] help lists every command.
TEST_F(CommandsTest, HelpListsEveryCommand) {
  const Reply reply = commands.run({"help"});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->as_array()->size(), 5u);
}

// [contract] One JSON line in, one JSON line out.
TEST_F(CommandsTest, EachRequestLineGetsOneAnswerLine) {
  EXPECT_EQ(answer_line(commands, R"({"command":["bindings","list","a\nb"]})"), R"({"ok":true,"result":["a\nb"]})");
  EXPECT_THAT(answer_line(commands, R"({"command":["nothing"]})"),
              HasSubstr(R"({"ok":false,"error":"unknown command)"));
  for (const char* junk : {"", "{", "[]", "{\"command\":\"status\"}", "{\"command\":[1]}", "\xff\xfe"})
    EXPECT_THAT(answer_line(commands, junk), HasSubstr(R"("ok":false)")) << junk;
}

// [contract] Options of commands are found in both spellings.
TEST(TakeOption, TakesBothSpellingsOutOfTheWords) {
  Words words{"a", "--expires", "60", "b"};
  EXPECT_EQ(take_option(words, "expires"), "60");
  EXPECT_EQ(words, (Words{"a", "b"}));
  words = {"--expires=5", "a"};
  EXPECT_EQ(take_option(words, "expires"), "5");
  EXPECT_EQ(words, Words{"a"});
  EXPECT_EQ(take_option(words, "expires"), std::nullopt);
}

// [threats 22] Octets that are no UTF-8 do not spoil the JSON.
TEST(Json, TextThatIsNoUtf8IsReplaced) {
  EXPECT_EQ(Json("a\xff\xc3\xa4\xed\xa0\x80"
                 "b")
                .write(),
            "\"a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
            "b\"");
}

// [contract] What is written can be read again.
TEST(Json, WhatIsWrittenCanBeReadAgain) {
  const Json value = Json().set("n", 5).set("list", Json::array().push("x").push(true).push(Json())).set("q", 0.5);
  EXPECT_EQ(Json::parse(value.write()), value);
  EXPECT_EQ(Json::parse("{\"a\":}"), std::nullopt);
}

// [contract] Tables are aligned, objects are name and value.
TEST(ToTable, ArraysOfObjectsAreTablesAndObjectsArePairs) {
  const Json rows =
      Json::array().push(Json().set("user", "alice").set("n", 1)).push(Json().set("user", "bo").set("n", 22));
  EXPECT_EQ(to_table(rows), "USER   N\nalice  1\nbo     22\n");
  EXPECT_EQ(to_table(Json().set("state", "running").set("n", 7)), "state  running\nn      7\n");
  EXPECT_EQ(to_table(Json::array()), "none\n");
}

// [threats 31] What a peer sent cannot drive the operator's terminal or forge a row.
TEST(ToTable, ControlCharactersAreEscaped) {
  EXPECT_EQ(to_table(Json::array().push(Json().set("agent", "x\x1b[2J\ny"))), "AGENT\nx\\x1b[2J\\x0ay\n");
  EXPECT_EQ(to_table(Json::array().push(Json().set("agent",
                                                   "\xc3\xa4\xc2\x9b"
                                                   "2J\xc2\xa0"))),
            "AGENT\n\xc3\xa4\\x9b2J\xc2\xa0\n");
}

}  // namespace
}  // namespace bellhop::admin
