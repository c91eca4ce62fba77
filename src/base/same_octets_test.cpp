#include "base/same_octets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bellhop {
namespace {

TEST(SameOctets, TextsOfEverySizeDifferByAnyOctet) {
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string text(size, 'a');
    EXPECT_TRUE(same_octets(text, std::string(size, 'a')));
    EXPECT_FALSE(same_octets(text, std::string(size + 1, 'a')));
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = text;
      other[at] = 'A';
      EXPECT_FALSE(same_octets(text, other)) << size << ' ' << at;
    }
  }
}

}  // namespace
}  // namespace bellhop
