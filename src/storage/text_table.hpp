#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.hpp"

namespace bellhop::storage {

/// Where a text lies in an arena of many: six octets instead of the 32 of a std::string and its heap block.
struct TextAt {
  std::uint32_t at = 0;
  std::uint16_t size = 0;
};

/// Texts back to back.
class TextArena {
 public:
  TextAt add(std::string_view text) {
    const TextAt where{static_cast<std::uint32_t>(octets_.size()), static_cast<std::uint16_t>(text.size())};
    octets_.append(text);
    return where;
  }
  [[nodiscard]] std::string_view operator[](TextAt where) const { return {octets_.data() + where.at, where.size}; }
  void shrink() { octets_.shrink_to_fit(); }

 private:
  std::string octets_;
};

/// A text with its hash, so that one hash serves stripe and table.
struct HashedText {
  std::string_view text;
  std::uint64_t hash = 0;
};

/// A table keyed by text, filled once and then only read: rows in a vector, an index of row numbers beside it.
/// Not movable, since the index looks the texts up in the rows.
template <class Value>
class TextTable {
 public:
  TextTable(TextArena& arena, std::uint64_t seed) : arena_(arena), index_(0, Hash{this, seed}, Equal{this}) {}
  TextTable(const TextTable&) = delete;
  TextTable& operator=(const TextTable&) = delete;

  /// False when the key is there already.
  bool add(HashedText key, Value value) {
    if (index_.contains(key)) return false;
    rows_.push_back({arena_.add(key.text), std::move(value)});
    index_.insert(static_cast<std::uint32_t>(rows_.size() - 1));
    return true;
  }
  [[nodiscard]] const Value* find(HashedText key) const {
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &rows_[*found].value;
  }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  void shrink() { rows_.shrink_to_fit(); }

 private:
  struct Row {
    TextAt key;
    Value value;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    const TextTable* table;
    std::uint64_t seed;
    std::size_t operator()(std::uint32_t row) const { return hash64(table->key_of(row), seed); }
    std::size_t operator()(const HashedText& key) const { return key.hash; }
  };
  struct Equal {
    using is_transparent = void;
    const TextTable* table;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
    bool operator()(const HashedText& a, std::uint32_t b) const { return a.text == table->key_of(b); }
    bool operator()(std::uint32_t a, const HashedText& b) const { return table->key_of(a) == b.text; }
  };
  [[nodiscard]] std::string_view key_of(std::uint32_t row) const { return arena_[rows_[row].key]; }

  TextArena& arena_;
  std::vector<Row> rows_;
  boost::unordered_flat_set<std::uint32_t, Hash, Equal> index_;
};

}  // namespace bellhop::storage
