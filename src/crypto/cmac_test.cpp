#include "crypto/cmac.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace bellhop::crypto {
namespace {

constexpr Key key_of_rfc4493{0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                             0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
const std::string message_of_rfc4493(
    "\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a\xae\x2d\x8a\x57\x1e\x03\xac\x9c\x9e\xb7\x6f\xac"
    "\x45\xaf\x8e\x51\x30\xc8\x1c\x46\xa3\x5c\xe4\x11\xe5\xfb\xc1\x19\x1a\x0a\x52\xef\xf6\x9f\x24\x45\xdf\x4f\x9b\x17"
    "\xad\x2b\x41\x7b\xe6\x6c\x37\x10",
    64);

/// The first eight octets, as they come.
std::string octets_of(std::uint64_t mac) {
  std::string octets(sizeof mac, '\0');
  std::memcpy(octets.data(), &mac, sizeof mac);
  return octets;
}

// [RFC4493 4] The test vectors, cut to 64 bits.
TEST(Cmac, GivesTheVectorsOfItsRfc) {
  const Cmac mac(key_of_rfc4493);
  const struct {
    std::size_t size;
    std::string expected;
  } vectors[] = {{0, "\xbb\x1d\x69\x29\xe9\x59\x37\x28"},
                 {16, std::string("\x07\x0a\x16\xb4\x6b\x4d\x41\x44", 8)},
                 {40, "\xdf\xa6\x67\x47\xde\x9a\xe6\x30"},
                 {64, "\x51\xf0\xbe\xbf\x7e\x3b\x9d\x92"}};
  for (const auto& [size, expected] : vectors) {
    const auto text = std::string_view(message_of_rfc4493).substr(0, size);
    EXPECT_EQ(octets_of(mac.of(text)), expected) << size;
    EXPECT_EQ(octets_of(mac.of_by_library(text)), expected) << size;
  }
}

// [RFC4493 2.4] The machine's AES and the library's make the same of texts of any size.
TEST(Cmac, IsTheSameOnEveryMachine) {
  Key key = key_of_rfc4493;
  for (std::size_t size = 0; size <= 100; ++size) {
    key[size % key.size()] += 7;
    const Cmac mac(key);
    const std::string text = message_of_rfc4493.substr(size % 32) + std::string(size, static_cast<char>(size));
    EXPECT_EQ(mac.of(text), mac.of_by_library(text)) << size;
  }
}

// [threats 61] What was signed with one key is not valid under another, nor for another text.
TEST(Cmac, DependsOnKeyAndText) {
  Key other = key_of_rfc4493;
  other[15] ^= 1;
  EXPECT_NE(Cmac(key_of_rfc4493).of("route"), Cmac(other).of("route"));
  EXPECT_NE(Cmac(key_of_rfc4493).of("route"), Cmac(key_of_rfc4493).of("routf"));
  EXPECT_NE(Cmac(key_of_rfc4493).of("route"), Cmac(key_of_rfc4493).of(std::string_view("route\x80", 6)));
}

}  // namespace
}  // namespace bellhop::crypto
