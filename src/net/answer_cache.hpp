#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_set>

#include "net/records.hpp"

namespace bellhop::net {

/// A host name as a key: lower case, without the final dot. Invalid when no DNS could know it (RFC 3261 `hostname`: 253
/// characters, labels of 1 to 63 letters, digits, '-' and '_', the last one beginning with a letter), so junk never
/// becomes a question.
class HostKey {
 public:
  explicit HostKey(std::string_view host);
  [[nodiscard]] bool valid() const { return size_ > 0; }
  [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, 253> text_;
  std::size_t size_ = 0;
};

/// For what is no HostKey and needs no DNS: an address in place of a name has itself, junk nothing.
[[nodiscard]] AnswerPtr answer_without_dns(RecordType type, std::string_view name);

/// Answers by question, shared by all shards. Bounded without a list of ages: when the young half is full it becomes
/// the old one and the old one is forgotten; what is found in the old half is young again.
///
/// Threads  any; a striped lock is held for one look-up.
class AnswerCache {
 public:
  AnswerCache(std::size_t entries, std::uint64_t hash_seed);

  /// Only an answer that is valid after `now`, else null. `name` as a HostKey gives it.
  [[nodiscard]] AnswerPtr find(RecordType type, std::string_view name, TimePoint now);
  void store(const AnswerPtr& answer);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Key {
    RecordType type;
    std::string_view name;
    friend bool operator==(const Key&, const Key&) = default;
  };
  [[nodiscard]] static Key key_of(const AnswerPtr& answer) { return {answer->question.type, answer->question.name}; }
  [[nodiscard]] static Key key_of(const Key& key) { return key; }
  struct Hash {
    using is_transparent = void;
    Hash() : seed(0) {}
    explicit Hash(std::uint64_t chosen) : seed(chosen) {}
    std::uint64_t seed;
    std::size_t operator()(const Key& key) const;
    std::size_t operator()(const AnswerPtr& answer) const { return (*this)(key_of(answer)); }
  };
  struct Equal {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return key_of(a) == key_of(b);
    }
  };
  using Set = std::unordered_set<AnswerPtr, Hash, Equal>;
  struct Stripe {
    mutable std::mutex mutex;
    Set young, old;
  };
  static constexpr std::size_t stripe_count = 16;

  [[nodiscard]] Stripe& stripe_of(const Key& key) { return stripes_[hash_(key) % stripe_count]; }
  void put(Stripe& stripe, const AnswerPtr& answer);

  Hash hash_;
  std::size_t half_;  ///< entries of one half of one stripe
  std::array<Stripe, stripe_count> stripes_;
};

}  // namespace bellhop::net
