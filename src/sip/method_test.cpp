#include "sip/method.hpp"

#include <gmock/gmock.h>

namespace bellhop::sip {
namespace {

// [MSG-01] All fourteen methods are known by name.
TEST(Method, FourteenMethodsSurviveTheWayToTextAndBack) {
  for (int i = 0; i < static_cast<int>(Method::other); ++i) {
    const auto method = static_cast<Method>(i);
    EXPECT_FALSE(name_of(method).empty());
    EXPECT_EQ(method_from(name_of(method)), method) << name_of(method);
  }
  EXPECT_EQ(static_cast<int>(Method::other), 14);
  EXPECT_EQ(method_from("REGISTER"), Method::register_);
}

// [RFC3261 7.1] Method names are case-sensitive; an unknown token is no error.
TEST(Method, AnotherCaseOrLengthIsAnotherMethod) {
  EXPECT_EQ(method_from("invite"), Method::other);
  EXPECT_EQ(method_from("INVITEE"), Method::other);
  EXPECT_EQ(method_from("INVIT"), Method::other);
  EXPECT_EQ(method_from(""), Method::other);
  EXPECT_EQ(name_of(Method::other), "");
}

}  // namespace
}  // namespace bellhop::sip
