#include "crypto/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>
#include <new>
#include <stdexcept>

#include "base/text.hpp"

namespace bellhop::crypto {
namespace {

constexpr std::size_t algorithms = 3;
constexpr std::array<std::string_view, algorithms> names{"MD5", "SHA-256", "SHA-512-256"};

/// An implicit fetch costs three times the hash itself in OpenSSL 3.0, so each algorithm is fetched once and kept for
/// the life of the process.
class Fetched {
 public:
  Fetched() {
    constexpr std::array<const char*, algorithms> library_names{"MD5", "SHA256", "SHA512-256"};
    for (std::size_t i = 0; i < algorithms; ++i) {
      algorithms_[i] = EVP_MD_fetch(nullptr, library_names[i], nullptr);
      if (algorithms_[i] == nullptr) throw std::runtime_error(std::string("OpenSSL has no ") + library_names[i]);
    }
  }
  [[nodiscard]] const EVP_MD* operator[](HashAlgorithm algorithm) const {
    return algorithms_[static_cast<std::size_t>(algorithm)];
  }

 private:
  std::array<EVP_MD*, algorithms> algorithms_{};
};

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

/// With a known algorithm and a valid context only memory can be missing.
void require(bool done) {
  if (!done) throw std::bad_alloc();
}

EVP_MD_CTX* started_context(HashAlgorithm algorithm) {
  static const Fetched fetched;
  thread_local std::array<std::unique_ptr<EVP_MD_CTX, FreeContext>, algorithms> contexts;
  auto& context = contexts[static_cast<std::size_t>(algorithm)];
  const bool first = context == nullptr;
  if (first) {
    context.reset(EVP_MD_CTX_new());
    require(context != nullptr);
  }
  require(EVP_DigestInit_ex2(context.get(), first ? fetched[algorithm] : nullptr, nullptr) == 1);
  return context.get();
}

}  // namespace

std::string_view name_of(HashAlgorithm algorithm) {
  return names[static_cast<std::size_t>(algorithm)];
}

std::optional<HashAlgorithm> hash_algorithm_from(std::string_view name) {
  for (std::size_t i = 0; i < algorithms; ++i) {
    if (equals_ignore_case(name, names[i])) return static_cast<HashAlgorithm>(i);
  }
  return std::nullopt;
}

HexDigest hash_hex(HashAlgorithm algorithm, std::initializer_list<std::string_view> parts) {
  EVP_MD_CTX* context = started_context(algorithm);
  for (const auto part : parts) require(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets;
  unsigned int size = 0;
  require(EVP_DigestFinal_ex(context, octets.data(), &size) == 1);

  constexpr char digits[] = "0123456789abcdef";
  HexDigest hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex.text_[2 * i] = digits[octets[i] >> 4];
    hex.text_[2 * i + 1] = digits[octets[i] & 15];
  }
  hex.size_ = static_cast<std::uint8_t>(2 * size);
  return hex;
}

HexDigest ha1(HashAlgorithm algorithm, std::string_view user, std::string_view realm, std::string_view password) {
  return hash_hex(algorithm, {user, ":", realm, ":", password});
}

HexDigest digest_response(const DigestInput& in) {
  const HexDigest session_ha1 =
      in.session ? hash_hex(in.algorithm, {in.ha1, ":", in.nonce, ":", in.cnonce}) : HexDigest{};
  const std::string_view first = in.session ? session_ha1.view() : in.ha1;
  const HexDigest second =
      equals_ignore_case(in.qop, "auth-int")
          ? hash_hex(in.algorithm, {in.method, ":", in.uri, ":", hash_hex(in.algorithm, {in.body})})
          : hash_hex(in.algorithm, {in.method, ":", in.uri});
  if (in.qop.empty()) return hash_hex(in.algorithm, {first, ":", in.nonce, ":", second});
  return hash_hex(in.algorithm, {first, ":", in.nonce, ":", in.nonce_count, ":", in.cnonce, ":", in.qop, ":", second});
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace bellhop::crypto
