#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/prefetch.hpp"
#include "location/agents.hpp"
#include "location/binding.hpp"

namespace bellhop::location {

/// A Binding whose texts lie elsewhere: in a block, a journal record or a Binding. What the table works with, so that
/// only what leaves it is copied into strings.
struct BindingView {
  std::uint64_t id = 0;
  std::uint32_t version = 0;  ///< grows with every change of this binding; orders its journal records
  std::uint32_t cseq = 0;
  std::uint32_t methods = Binding::all_methods;
  std::uint32_t reg_id = 0;
  std::uint16_t q = 1000;
  bool natted = false;
  TimePoint expires{}, updated{};
  std::string_view contact, contact_parameters, call_id, instance, path, user_agent;
  net::Flow flow;
  const Agents::Entry* agent = nullptr;  ///< of a binding in a block: holds user_agent

  [[nodiscard]] bool accepts(sip::Method method) const { return Binding::accepts(methods, method); }
};

inline constexpr std::size_t longest_text = 4096;  ///< octets of each text of a binding, and of an address-of-record

[[nodiscard]] BindingView view_of(const Binding& binding);
/// Strings of `out` keep their memory.
void copy_to(const BindingView& view, Binding& out);

/// An address-of-record with all its bindings in one heap block: a header, the address, and per binding a fixed part
/// and its texts back to back. About 270 octets for one binding of a usual phone. Immutable but for refresh().
///
/// A block does not own the uses of its agents: who makes and drops blocks acquires and releases them.
class Block {
 public:
  struct Free {
    void operator()(Block* block) const noexcept;
  };
  using Ptr = std::unique_ptr<Block, Free>;

  /// Into `copy`, which has room for `room` octets and is made anew when that is too little.
  void copy_to(Ptr& copy, std::size_t& room) const;

  [[nodiscard]] static Ptr make(std::uint64_t hash, std::string_view aor, std::span<const BindingView> bindings);

  /// Asks for all of it, which has lain untouched since the last REGISTER or call.
  void prefetch() const { bellhop::prefetch(this, sizeof(Block) + size_); }

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::string_view aor() const { return {octets(), aor_size_}; }
  [[nodiscard]] std::size_t count() const { return count_; }

  /// Where a binding starts; valid for this block only.
  using Position = std::uint32_t;
  [[nodiscard]] Position begin() const { return aor_size_; }
  [[nodiscard]] Position end() const { return size_; }
  [[nodiscard]] Position after(Position at) const;
  [[nodiscard]] BindingView at(Position at) const;
  [[nodiscard]] TimePoint expires(Position at) const;

  /// Whether `wanted` differs from this binding in nothing but cseq, expires, updated, id and version.
  [[nodiscard]] bool same_but_time(Position at, const BindingView& wanted) const;
  struct Stamp {
    std::uint64_t id;
    std::uint32_t version, cseq;
  };
  [[nodiscard]] Stamp stamp(Position at) const;
  /// Sets what same_but_time() leaves out, but the id; the version grows by one.
  Stamp refresh(Position at, std::uint32_t cseq, TimePoint expires, TimePoint updated);

 private:
  struct Head;
  Block() = default;
  [[nodiscard]] const char* octets() const { return reinterpret_cast<const char*>(this + 1); }
  [[nodiscard]] char* octets() { return reinterpret_cast<char*>(this + 1); }
  [[nodiscard]] Head head(Position at) const;

  std::uint64_t hash_ = 0;
  std::uint32_t size_ = 0;  ///< octets behind the header
  std::uint16_t aor_size_ = 0;
  std::uint16_t count_ = 0;
};

}  // namespace bellhop::location
