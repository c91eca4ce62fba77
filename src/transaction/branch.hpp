#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/slot.hpp"
#include "crypto/token.hpp"

namespace bellhop::transaction {

/// What a Via branch of ours says: whose transaction it is and the loop-detection value (RFC 3261 section 16.6 item 8).
///
/// Text   "z9hG4bK" shard(4) slot(13) mac(13) "." loop(13): 51 characters, digits and lower-case letters; read in any
///        case. The mac covers all the rest, so neither a transaction nor a loop value can be made up.
struct Branch {
  std::uint16_t shard = 0;
  SlotId slot;
  std::uint64_t loop = 0;

  void append_to(std::string& out, const crypto::Key& key) const;
  /// Nothing unless it was made with this key.
  [[nodiscard]] static std::optional<Branch> parse(std::string_view text, const crypto::Key& key);
  /// The slot that a text of this size names, whoever made it: for who compares the whole branch with that of the slot.
  [[nodiscard]] static std::optional<SlotId> claimed_slot(std::string_view text);
};

}  // namespace bellhop::transaction
