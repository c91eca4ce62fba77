#include "base/fold.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bellhop {
namespace {

// [RFC3261 7.3.1] Only A-Z are folded, wherever they stand and however long the text is; nothing behind it is written.
TEST(Fold, IsThatOfEachOctet) {
  for (std::size_t size = 0; size < 70; ++size) {
    std::string text, expected;
    for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(i * 37 + size * 11));
    for (const char c : text) expected.push_back(lower(c));
    std::string out(size + 20, '#');
    EXPECT_EQ(write_folded(out.data(), text), out.data() + size);
    EXPECT_EQ(out.substr(0, size), expected);
    EXPECT_EQ(out.substr(size), std::string(20, '#'));
  }
}

}  // namespace
}  // namespace bellhop
