#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bellhop::storage {

// The octets of a journal file: a header, then frames back to back. All numbers are little endian.
//
//   header  "BELLHOPJ", version (4 octets), 4 zero octets, salt (8), octets after the last compaction (8)
//   frame   marker 0xb5, payload length (3), checksum (4), payload
//
// The checksum is seeded with the file's random salt: octets that a peer got stored inside a payload can never pass for
// a frame when damage in front of them is skipped.

struct JournalHeader {
  static constexpr std::size_t size = 32;
  static constexpr std::uint32_t current_version = 1;
  std::uint32_t version = current_version;
  std::uint64_t salt = 0;
  std::uint64_t compacted_size = 0;
};

[[nodiscard]] std::string encode(const JournalHeader& header);
/// Nothing when the octets do not start like a journal; the version may be a foreign one.
[[nodiscard]] std::optional<JournalHeader> decode_journal_header(std::string_view octets);

inline constexpr std::size_t frame_overhead = 8;
void append_frame(std::string& out, std::string_view payload, std::uint64_t salt);

struct JournalScan {
  std::size_t records = 0;
  std::size_t end = 0;      ///< behind the last whole record: what follows is the damaged tail
  std::size_t skipped = 0;  ///< octets lost in front of that
};
/// Visits the payload of each whole frame of `frames` in order. Cost: one checksum per record; looking for the next
/// frame behind damage is bounded.
JournalScan scan_frames(std::string_view frames, std::uint64_t salt,
                        const std::function<void(std::string_view payload)>& visit);

}  // namespace bellhop::storage
