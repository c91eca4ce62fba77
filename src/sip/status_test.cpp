#include "sip/status.hpp"

#include <gmock/gmock.h>

#include <utility>
#include <vector>

namespace bellhop::sip {
namespace {

// [MSG-07] Each registered code has its registered phrase.
TEST(Status, PhrasesAreTheRegisteredOnes) {
  const std::vector<std::pair<int, std::string_view>> some{
      {100, "Trying"},
      {183, "Session Progress"},
      {199, "Early Dialog Terminated"},
      {200, "OK"},
      {204, "No Notification"},
      {380, "Alternative Service"},
      {407, "Proxy Authentication Required"},
      {411, "Length Required"},
      {417, "Unknown Resource-Priority"},
      {424, "Bad Location Information"},
      {430, "Flow Failed"},
      {439, "First Hop Lacks Outbound Support"},
      {440, "Max-Breadth Exceeded"},
      {481, "Call/Transaction Does Not Exist"},
      {494, "Security Agreement Required"},
      {504, "Server Time-out"},
      {513, "Message Too Large"},
      {580, "Precondition Failure"},
      {606, "Not Acceptable"},
  };
  for (const auto& [code, phrase] : some) EXPECT_EQ(reason_phrase(code), phrase) << code;
}

// [MSG-07] The catalogue's list is complete: none of its codes falls back to its class.
TEST(Status, NoCodeOfTheCatalogueIsMissing) {
  const int catalogue[] = {180, 181, 182, 183, 199, 202, 204, 301, 302, 305, 380, 401, 402, 403, 404, 405, 406,
                           407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 420, 421, 422, 423, 424, 428,
                           429, 430, 433, 436, 437, 438, 439, 470, 480, 481, 482, 483, 484, 485, 486, 487, 488,
                           489, 491, 493, 494, 501, 502, 503, 504, 505, 513, 580, 603, 604, 606};
  for (const int code : catalogue) EXPECT_NE(reason_phrase(code), reason_phrase(code / 100 * 100)) << code;
}

// [RFC3261 8.1.3.2] An unknown code is treated as the x00 of its class.
TEST(Status, AnUnknownCodeSpeaksForItsClass) {
  EXPECT_EQ(reason_phrase(499), "Bad Request");
  EXPECT_EQ(reason_phrase(299), "OK");
  EXPECT_EQ(reason_phrase(699), "Busy Everywhere");
  EXPECT_EQ(reason_phrase(0), "Unknown");
}

// [RFC3261 7.2] Below 200 is provisional, from 200 on final.
TEST(Status, ClassesAreToldFromTheFirstDigit) {
  EXPECT_TRUE(StatusCode(199).provisional());
  EXPECT_TRUE(StatusCode(200).final());
  EXPECT_TRUE(StatusCode(299).success());
  EXPECT_FALSE(StatusCode(300).success());
  EXPECT_EQ(StatusCode(487).class_of(), 4);
}

}  // namespace
}  // namespace bellhop::sip
