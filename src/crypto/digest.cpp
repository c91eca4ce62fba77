#include "crypto/digest.hpp"

// Deprecated for applications that let the operator choose who computes; the algorithms of digest are given by SIP.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "base/text.hpp"

namespace bellhop::crypto {
namespace {

constexpr std::size_t algorithms = 3;
constexpr std::array<std::string_view, algorithms> names{"MD5", "SHA-256", "SHA-512-256"};

/// With a known algorithm and a valid context only memory can be missing.
void require(bool done) {
  if (!done) throw std::bad_alloc();
}

// The two algorithms that are asked of phones, by the library's functions for them alone: behind the common interface,
// fetched once and with its context kept, the same hash costs three times as many instructions and two allocations.

class Md5 {
 public:
  static constexpr std::size_t size = MD5_DIGEST_LENGTH;
  Md5() { MD5_Init(&state_); }
  void update(std::string_view part) { MD5_Update(&state_, part.data(), part.size()); }
  void finish(unsigned char* out) { MD5_Final(out, &state_); }

 private:
  MD5_CTX state_;
};

class Sha256 {
 public:
  static constexpr std::size_t size = SHA256_DIGEST_LENGTH;
  Sha256() { SHA256_Init(&state_); }
  void update(std::string_view part) { SHA256_Update(&state_, part.data(), part.size()); }
  void finish(unsigned char* out) { SHA256_Final(out, &state_); }

 private:
  SHA256_CTX state_;
};

/// No phone is asked for this one (auth/README.md).
class Sha512Slash256 {
 public:
  static constexpr std::size_t size = 32;
  Sha512Slash256() : context_(EVP_MD_CTX_new()) {
    require(context_ != nullptr && EVP_DigestInit_ex2(context_.get(), EVP_sha512_256(), nullptr) == 1);
  }
  void update(std::string_view part) { require(EVP_DigestUpdate(context_.get(), part.data(), part.size()) == 1); }
  void finish(unsigned char* out) { require(EVP_DigestFinal_ex(context_.get(), out, nullptr) == 1); }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// Short texts one behind the other: handing each over by itself costs as much as hashing it.
class Together {
 public:
  /// False when there is no room.
  bool add(std::string_view part) {
    if (part.size() > octets_.size() - used_) return false;
    if (!part.empty()) std::memcpy(octets_.data() + used_, part.data(), part.size());
    used_ += part.size();
    return true;
  }
  std::string_view take() { return {octets_.data(), std::exchange(used_, 0)}; }

 private:
  std::array<char, 512> octets_;
  std::size_t used_ = 0;
};

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

template <class Hash>
HexDigest HexDigest::of(std::initializer_list<std::string_view> parts) {
  Hash hash;
  Together together;
  for (const auto part : parts) {
    if (together.add(part)) continue;
    hash.update(together.take());
    if (!together.add(part)) hash.update(part);
  }
  hash.update(together.take());
  std::array<unsigned char, Hash::size> octets;
  hash.finish(octets.data());

  constexpr char digits[] = "0123456789abcdef";
  HexDigest hex;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    hex.text_[2 * i] = digits[octets[i] >> 4];
    hex.text_[2 * i + 1] = digits[octets[i] & 15];
  }
  hex.size_ = static_cast<std::uint8_t>(2 * octets.size());
  return hex;
}

HexDigest hash_hex(HashAlgorithm algorithm, std::initializer_list<std::string_view> parts) {
  switch (algorithm) {
    case HashAlgorithm::md5: return HexDigest::of<Md5>(parts);
    case HashAlgorithm::sha256: return HexDigest::of<Sha256>(parts);
    case HashAlgorithm::sha512_256: break;
  }
  return HexDigest::of<Sha512Slash256>(parts);
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
