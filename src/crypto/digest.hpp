#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bellhop::crypto {

/// The hash algorithms of SIP digest (RFC 7616, RFC 8760).
enum class HashAlgorithm : std::uint8_t { md5, sha256, sha512_256 };
[[nodiscard]] std::string_view name_of(HashAlgorithm algorithm);  ///< "MD5", "SHA-256", "SHA-512-256"
/// The registered name without "-sess", any case.
[[nodiscard]] std::optional<HashAlgorithm> hash_algorithm_from(std::string_view name);

/// Lower-case hexadecimal of a hash: 32 or 64 characters, without a heap.
class HexDigest {
 public:
  HexDigest() = default;
  [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }
  operator std::string_view() const { return view(); }

  /// Of a hash's 16 or 32 octets.
  [[nodiscard]] static HexDigest of(std::span<const unsigned char> octets);

 private:
  static constexpr std::size_t longest = 64;
  std::array<char, longest> text_;
  std::uint8_t size_ = 0;
};

/// Hash of the concatenated parts. No heap for MD5 and SHA-256.
[[nodiscard]] HexDigest hash_hex(HashAlgorithm algorithm, std::initializer_list<std::string_view> parts);

/// H(user ":" realm ":" password): all that is ever stored of a password.
[[nodiscard]] HexDigest ha1(HashAlgorithm algorithm, std::string_view user, std::string_view realm,
                            std::string_view password);

/// H(method ":" uri) of the latest requests: the REGISTERs of a domain have it in common. It holds no secret.
///
/// Owner  one thread.
class A2Hashes {
 public:
  [[nodiscard]] HexDigest of(HashAlgorithm algorithm, std::string_view method, std::string_view uri);

 private:
  static constexpr std::size_t longest_known = 256;  ///< octets of method and URI together
  struct Known {
    HashAlgorithm algorithm{};
    std::string method, uri;  ///< no request has an empty method
    HexDigest hash;
  };
  std::array<Known, 8> known_;
};

/// The request-digest of RFC 7616 section 3.4.1. qop is "auth", "auth-int" or empty (RFC 2069 clients); `session` is
/// the -sess variant, for which ha1 is hashed again with nonce and cnonce. `known` spares the caller a hash.
struct DigestInput {
  HashAlgorithm algorithm = HashAlgorithm::md5;
  bool session = false;
  std::string_view ha1, method, uri, nonce, nonce_count, cnonce, qop, body;
};
[[nodiscard]] HexDigest digest_response(const DigestInput& input, A2Hashes* known = nullptr);

/// Equal without telling where they differ.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace bellhop::crypto
