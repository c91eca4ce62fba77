#include "storage/journal_format.hpp"

#include <array>

#include "base/hash.hpp"
#include "storage/journal.hpp"

namespace bellhop::storage {

namespace {

constexpr std::string_view magic = "BELLHOPJ";
constexpr char marker = static_cast<char>(0xb5);
/// What may be hashed while looking for a frame behind damage: some seconds' worth would be a hostile file.
constexpr std::size_t search_budget = 256 * 1024 * 1024;

void put_number(std::string& out, std::uint64_t value, std::size_t octets) {
  for (std::size_t i = 0; i < octets; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

std::uint64_t number_at(std::string_view octets, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(octets[at + i])} << (8 * i);
  return value;
}

std::uint32_t checksum(std::string_view payload, std::uint64_t salt) {
  return static_cast<std::uint32_t>(hash64(payload, salt ^ (payload.size() * 0x9e3779b97f4a7c15ULL)));
}

/// Length of the payload that a frame at the start of `octets` announces; nothing when there cannot be one.
std::optional<std::size_t> announced(std::string_view octets) {
  if (octets.size() < frame_overhead || octets[0] != marker) return std::nullopt;
  const std::size_t length = number_at(octets, 1, 3);
  if (length == 0 || length > Journal::max_payload || length > octets.size() - frame_overhead) return std::nullopt;
  return length;
}

bool whole(std::string_view octets, std::size_t length, std::uint64_t salt) {
  return number_at(octets, 4, 4) == checksum(octets.substr(frame_overhead, length), salt);
}

/// Where the next whole frame behind `at` starts, or npos.
std::size_t next_frame(std::string_view frames, std::size_t at, std::uint64_t salt, std::size_t& budget) {
  while ((at = frames.find(marker, at + 1)) != std::string_view::npos) {
    const std::string_view rest = frames.substr(at);
    const auto length = announced(rest);
    if (!length) continue;
    if (*length > budget) return std::string_view::npos;
    budget -= *length;
    if (whole(rest, *length, salt)) return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::string encode(const JournalHeader& header) {
  std::string out(magic);
  put_number(out, header.version, 4);
  put_number(out, 0, 4);
  put_number(out, header.salt, 8);
  put_number(out, header.compacted_size, 8);
  return out;
}

std::optional<JournalHeader> decode_journal_header(std::string_view octets) {
  if (octets.size() < JournalHeader::size || !octets.starts_with(magic)) return std::nullopt;
  JournalHeader header;
  header.version = static_cast<std::uint32_t>(number_at(octets, 8, 4));
  header.salt = number_at(octets, 16, 8);
  header.compacted_size = number_at(octets, 24, 8);
  return header;
}

void append_frame(std::string& out, std::string_view payload, std::uint64_t salt) {
  const std::uint64_t head = static_cast<unsigned char>(marker) | std::uint64_t{payload.size()} << 8 |
                             std::uint64_t{checksum(payload, salt)} << 32;
  std::array<char, frame_overhead> octets;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<char>(head >> (8 * i) & 0xff);
  out.append(octets.data(), octets.size());
  out.append(payload);
}

JournalScan scan_frames(std::string_view frames, std::uint64_t salt,
                        const std::function<void(std::string_view payload)>& visit) {
  JournalScan scan;
  std::size_t budget = search_budget;
  std::size_t at = 0;
  while (at < frames.size()) {
    const auto length = announced(frames.substr(at));
    if (!length || !whole(frames.substr(at), *length, salt)) {
      at = next_frame(frames, at, salt, budget);
      if (at == std::string_view::npos) break;
      continue;
    }
    scan.skipped += at - scan.end;
    ++scan.records;
    visit(frames.substr(at + frame_overhead, *length));
    at += frame_overhead + *length;
    scan.end = at;
  }
  return scan;
}

}  // namespace bellhop::storage
