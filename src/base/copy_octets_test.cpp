#include "base/copy_octets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bellhop {
namespace {

// [house 1] whatever the size, all of it is copied and nothing beyond
TEST(CopyOctets, CopiesTheTextAndNoMore) {
  std::string text;
  for (std::size_t size = 0; size < 100; ++size, text += static_cast<char>('0' + size)) {
    const std::string expected = "<" + text + ">";
    std::string copy(size + 2, '>');
    copy[0] = '<';
    EXPECT_EQ(copy_octets(text, copy.data() + 1), copy.data() + 1 + size);
    EXPECT_EQ(copy, expected);
  }
}

}  // namespace
}  // namespace bellhop
