#include "config/texts.hpp"

#include <gtest/gtest.h>

namespace bellhop::config {
namespace {

// [CGP-62] Patterns of User-Agents and sites
TEST(Patterns, MatchTheWholeTextWithoutCase) {
  EXPECT_TRUE(matches("Acme*", "ACME Phone 1.0"));
  EXPECT_TRUE(matches("*phone*", "Acme Phone 1.0"));
  EXPECT_TRUE(matches("acme ?hone 1.*", "Acme Phone 1.0"));
  EXPECT_TRUE(matches("*.example.net", "a.b.example.net"));
  EXPECT_TRUE(matches("**", ""));
  EXPECT_TRUE(matches("a*b*c", "a b b c c"));
  EXPECT_FALSE(matches("a*b*c", "a b b c d"));
  EXPECT_FALSE(matches("Acme", "Acme Phone"));
  EXPECT_FALSE(matches("?", ""));
  EXPECT_FALSE(matches("*.example.net", "example.net"));
}

// [CGP-62, threats 20] Stars do not multiply the work
TEST(Patterns, CannotBeMadeSlow) {
  std::string pattern, text(20'000, 'a');
  for (int i = 0; i < 60; ++i) pattern += "a*";
  EXPECT_FALSE(matches(pattern + "b", text));
}

}  // namespace
}  // namespace bellhop::config
