#include "crypto/digest.hpp"

// Deprecated for applications that let the operator choose who computes; the algorithms of digest are given by SIP.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <new>

#include "base/copy_octets.hpp"
#include "base/sixteen.hpp"
#include "base/text.hpp"

namespace bellhop::crypto {
namespace {

constexpr std::size_t algorithms = 3;
constexpr std::array<std::string_view, algorithms> names{"MD5", "SHA-256", "SHA-512-256"};

/// With a known algorithm and a valid context only memory can be missing.
void require(bool done) {
  if (!done) throw std::bad_alloc();
}

/// Of numbers below 16.
Sixteen hex_digits(Sixteen numbers) {
  return numbers + '0' + ((numbers > 9) & ('a' - '0' - 10));
}

void write_hex(const unsigned char* sixteen_octets, char* out) {
  const Sixteen octets = load_sixteen(reinterpret_cast<const char*>(sixteen_octets));
  const Sixteen high = hex_digits(octets >> 4), low = hex_digits(octets & 15);
  const Sixteen first = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const Sixteen second =
      __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  std::memcpy(out, &first, sizeof first);
  std::memcpy(out + sizeof first, &second, sizeof second);
}

// The two algorithms that are asked of phones, by the library's functions for one block of them: behind the common
// interface, fetched once and with its context kept, the same hash costs three times as many instructions and two
// allocations, and its functions for texts of any size spend nearly as much on handling as on hashing.

struct Md5Core {
  static constexpr std::size_t size = MD5_DIGEST_LENGTH;
  static constexpr bool big_endian = false;
  Md5Core() { MD5_Init(&state); }
  void take(const unsigned char* block) { MD5_Transform(&state, block); }
  [[nodiscard]] std::array<std::uint32_t, 4> words() const { return {state.A, state.B, state.C, state.D}; }
  MD5_CTX state;
};

struct Sha256Core {
  static constexpr std::size_t size = SHA256_DIGEST_LENGTH;
  static constexpr bool big_endian = true;
  Sha256Core() { SHA256_Init(&state); }
  void take(const unsigned char* block) { SHA256_Transform(&state, block); }
  [[nodiscard]] std::array<std::uint32_t, 8> words() const { return std::to_array(state.h); }
  SHA256_CTX state;
};

/// Collects what is hashed, several blocks before they are needed, and pads the last one (RFC 1321 section 3, RFC 6234
/// section 4.1): most texts of digest are whole in it when they end.
template <class Core>
class Blocks {
 public:
  static constexpr std::size_t size = Core::size;

  void update(char c) {
    if (used_ == room) take_blocks(room);
    octets_[used_++] = static_cast<unsigned char>(c);
  }
  void update(std::string_view part) {
    if (part.size() > room - used_) return add_long(part);
    add(part);
  }
  void finish(unsigned char* out) {
    const std::uint64_t bits = (taken_ + used_) * 8;
    octets_[used_++] = 0x80;
    const std::size_t end = (used_ + sizeof bits + block - 1) / block * block;
    std::memset(octets_.data() + used_, 0, end - sizeof bits - used_);
    put(octets_.data() + end - sizeof bits, bits);
    take_blocks(end);
    for (const std::uint32_t word : core_.words()) {
      put(out, word);
      out += sizeof word;
    }
  }

 private:
  void add(std::string_view part) {
    copy_octets(part, reinterpret_cast<char*>(octets_.data() + used_));
    used_ += part.size();
  }
  [[gnu::noinline]] void add_long(std::string_view part) {
    for (; part.size() > room - used_; take_blocks(room)) {
      const std::size_t fits = room - used_;
      add(part.substr(0, fits));
      part.remove_prefix(fits);
    }
    add(part);
  }
  void take_blocks(std::size_t until) {
    for (std::size_t at = 0; at < until; at += block) core_.take(octets_.data() + at);
    taken_ += until;
    used_ = 0;
  }
  template <class Number>
  static void put(unsigned char* to, Number number) {
    if (Core::big_endian != (std::endian::native == std::endian::big)) number = swapped(number);
    std::memcpy(to, &number, sizeof number);
  }
  static std::uint32_t swapped(std::uint32_t number) { return __builtin_bswap32(number); }
  static std::uint64_t swapped(std::uint64_t number) { return __builtin_bswap64(number); }

  static constexpr std::size_t block = 64, room = 4 * block, longest_padding = 1 + sizeof(std::uint64_t) + block - 1;
  Core core_;
  std::array<unsigned char, room + longest_padding> octets_;
  std::size_t used_ = 0;
  std::uint64_t taken_ = 0;  ///< octets in blocks before
};
using Md5 = Blocks<Md5Core>;
using Sha256 = Blocks<Sha256Core>;

/// No phone is asked for this one (auth/README.md).
class Sha512Slash256 {
 public:
  static constexpr std::size_t size = 32;
  Sha512Slash256() : context_(EVP_MD_CTX_new()) {
    require(context_ != nullptr && EVP_DigestInit_ex2(context_.get(), EVP_sha512_256(), nullptr) == 1);
  }
  void update(std::string_view part) { require(EVP_DigestUpdate(context_.get(), part.data(), part.size()) == 1); }
  void update(char c) { update(std::string_view(&c, 1)); }
  void finish(unsigned char* out) { require(EVP_DigestFinal_ex(context_.get(), out, nullptr) == 1); }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

std::string_view name_of(HashAlgorithm algorithm) {
  return names[static_cast<std::size_t>(algorithm)];
}

std::optional<HashAlgorithm> hash_algorithm_from(std::string_view name) {
  for (std::size_t i = 0; i < algorithms; ++i) {
    if (name == names[i] || equals_ignore_case(name, names[i])) return static_cast<HashAlgorithm>(i);
  }
  return std::nullopt;
}

HexDigest HexDigest::of(std::span<const unsigned char> octets) {
  constexpr std::size_t step = sizeof(Sixteen);
  HexDigest hex;
  for (std::size_t at = 0; at + step <= std::min<std::size_t>(octets.size(), longest / 2); at += step) {
    write_hex(octets.data() + at, hex.text_.data() + 2 * at);
    hex.size_ = static_cast<std::uint8_t>(2 * (at + step));
  }
  return hex;
}

namespace {

template <class Hash>
HexDigest finished(Hash& hash) {
  std::array<unsigned char, Hash::size> octets;
  hash.finish(octets.data());
  return HexDigest::of(octets);
}

template <class Hash>
HexDigest hex_of(std::initializer_list<std::string_view> parts) {
  Hash hash;
  for (const auto part : parts) hash.update(part);
  return finished(hash);
}

/// first ":" next ":" ...: the form of all texts that digest hashes.
template <class Hash, class... Parts>
HexDigest hex_of_joined(std::string_view first, Parts... next) {
  Hash hash;
  hash.update(first);
  ((hash.update(':'), hash.update(next)), ...);
  return finished(hash);
}
template <class... Parts>
HexDigest joined_hex(HashAlgorithm algorithm, Parts... parts) {
  switch (algorithm) {
    case HashAlgorithm::md5: return hex_of_joined<Md5>(parts...);
    case HashAlgorithm::sha256: return hex_of_joined<Sha256>(parts...);
    case HashAlgorithm::sha512_256: break;
  }
  return hex_of_joined<Sha512Slash256>(parts...);
}

}  // namespace

HexDigest hash_hex(HashAlgorithm algorithm, std::initializer_list<std::string_view> parts) {
  switch (algorithm) {
    case HashAlgorithm::md5: return hex_of<Md5>(parts);
    case HashAlgorithm::sha256: return hex_of<Sha256>(parts);
    case HashAlgorithm::sha512_256: break;
  }
  return hex_of<Sha512Slash256>(parts);
}

HexDigest ha1(HashAlgorithm algorithm, std::string_view user, std::string_view realm, std::string_view password) {
  return joined_hex(algorithm, user, realm, password);
}

namespace {

HexDigest response_of(const DigestInput& in, std::string_view a2_hash) {
  const HexDigest session_ha1 = in.session ? joined_hex(in.algorithm, in.ha1, in.nonce, in.cnonce) : HexDigest{};
  const std::string_view first = in.session ? session_ha1.view() : in.ha1;
  if (in.qop.empty()) return joined_hex(in.algorithm, first, in.nonce, a2_hash);
  return joined_hex(in.algorithm, first, in.nonce, in.nonce_count, in.cnonce, in.qop, a2_hash);
}

}  // namespace

HexDigest digest_response(const DigestInput& in, A2Hashes* known) {
  if (in.qop != "auth" && equals_ignore_case(in.qop, "auth-int"))
    return response_of(in, joined_hex(in.algorithm, in.method, in.uri, hash_hex(in.algorithm, {in.body}).view()));
  return response_of(
      in, known != nullptr ? known->of(in.algorithm, in.method, in.uri) : joined_hex(in.algorithm, in.method, in.uri));
}

HexDigest A2Hashes::of(HashAlgorithm algorithm, std::string_view method, std::string_view uri) {
  const std::size_t size = method.size() + uri.size();
  Known& known = known_[(size + static_cast<std::size_t>(algorithm)) % known_.size()];
  if (known.algorithm == algorithm && known.method == method && known.uri == uri) return known.hash;
  const HexDigest hash = joined_hex(algorithm, method, uri);
  if (size <= longest_known) {
    known.algorithm = algorithm;
    known.method = method;
    known.uri = uri;
    known.hash = hash;
  }
  return hash;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace bellhop::crypto
