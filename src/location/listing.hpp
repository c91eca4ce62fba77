#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "location/block.hpp"

namespace bellhop::location {

/// The fresh bindings of an address-of-record as they stood at one moment, in order of q, newest first among equals.
/// One copy of their block, read in place: what a REGISTER is answered from, and a request is routed by. Reused it
/// allocates nothing. After Table::update() it may refer to that call's changes instead.
///
/// user_agent is left out where it is not asked for: those texts are shared with other bindings and may go before this
/// does.
class Listing {
 public:
  [[nodiscard]] std::span<const BindingView> bindings() const { return bindings_; }
  [[nodiscard]] std::size_t size() const { return bindings_.size(); }
  [[nodiscard]] bool empty() const { return bindings_.empty(); }

  enum class AgentTexts : std::uint8_t { left_out, copied };

  void clear() { bindings_.clear(); }
  void assign(const Block& block, TimePoint now, AgentTexts agents = AgentTexts::left_out);
  template <class Condition>
  void keep_if(Condition&& condition) {
    std::erase_if(bindings_, [&](const BindingView& binding) { return !condition(binding); });
  }
  /// The only binding there is. Its texts are not copied: they must outlive the listing's use.
  void refer_to(const BindingView& only);

 private:
  Block::Ptr copy_;
  std::size_t room_ = 0;  ///< octets of the copy
  std::string agents_;    ///< their texts, one behind the other
  std::vector<BindingView> bindings_;
};

/// Best q first, the newest first among equals.
template <class T>
[[nodiscard]] bool before(const T& a, const T& b) {
  if (a.q != b.q) return a.q > b.q;
  if (a.updated != b.updated) return a.updated > b.updated;
  return a.id > b.id;
}

}  // namespace bellhop::location
