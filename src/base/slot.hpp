#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace bellhop {

/// Names one object of a SlotMap for as long as it lives; a stale id finds nothing. This is what continuations,
/// timers and branch tokens carry instead of pointers.
struct SlotId {
  std::uint32_t index = 0xffffffff;
  std::uint32_t generation = 0;

  [[nodiscard]] constexpr bool valid() const { return index != 0xffffffff; }
  [[nodiscard]] constexpr std::uint64_t packed() const { return (std::uint64_t{generation} << 32) | index; }
  [[nodiscard]] static constexpr SlotId unpack(std::uint64_t v) {
    return {static_cast<std::uint32_t>(v), static_cast<std::uint32_t>(v >> 32)};
  }
  friend constexpr bool operator==(SlotId, SlotId) = default;
};

/// A slab of T with stable addresses and generation-counted ids. Insert, find and erase are O(1); memory grows in
/// chunks of `chunk_size` and an entirely empty chunk is given back (all but one), so a storm leaves no high-water
/// mark.
///
/// Owner  one thread. Objects must not be erased while a reference to them is in use further up the stack.
template <class T, std::size_t chunk_size = 64>
class SlotMap {
  struct Cell {
    std::uint32_t generation = 1;
    std::uint32_t next_free = 0xffffffff;
    bool used = false;
    alignas(T) std::byte storage[sizeof(T)];
    T* object() { return std::launder(reinterpret_cast<T*>(storage)); }
  };
  struct Chunk {
    std::unique_ptr<Cell[]> cells;
    std::uint32_t used = 0;
    std::uint32_t first_free = 0;        ///< index within the chunk, or none
    std::uint32_t generation_floor = 1;  ///< generations restart above this after the chunk was given back
    bool listed = false;                 ///< on chunks_with_room_
  };

 public:
  SlotMap() = default;
  SlotMap(const SlotMap&) = delete;
  SlotMap& operator=(const SlotMap&) = delete;
  ~SlotMap() { clear(); }

  template <class... Args>
  SlotId emplace(Args&&... args) {
    const std::uint32_t c = chunk_with_room();
    Chunk& chunk = chunks_[c];
    const std::uint32_t i = chunk.first_free;
    Cell& cell = chunk.cells[i];
    ::new (static_cast<void*>(cell.storage)) T(std::forward<Args>(args)...);
    chunk.first_free = cell.next_free;
    cell.used = true;
    ++chunk.used;
    ++size_;
    return {static_cast<std::uint32_t>(c * chunk_size + i), cell.generation};
  }

  [[nodiscard]] T* find(SlotId id) {
    const std::size_t c = id.index / chunk_size;
    if (c >= chunks_.size() || !chunks_[c].cells) return nullptr;
    Cell& cell = chunks_[c].cells[id.index % chunk_size];
    return cell.used && cell.generation == id.generation ? cell.object() : nullptr;
  }
  [[nodiscard]] const T* find(SlotId id) const { return const_cast<SlotMap*>(this)->find(id); }

  bool erase(SlotId id) {
    T* object = find(id);
    if (object == nullptr) return false;
    const std::uint32_t c = static_cast<std::uint32_t>(id.index / chunk_size);
    const std::uint32_t i = static_cast<std::uint32_t>(id.index % chunk_size);
    object->~T();
    Chunk& chunk = chunks_[c];
    Cell& cell = chunk.cells[i];
    cell.used = false;
    if (++cell.generation == 0) cell.generation = 1;
    cell.next_free = chunk.first_free;
    chunk.first_free = i;
    --chunk.used;
    --size_;
    if (!chunk.listed) {
      chunk.listed = true;
      chunks_with_room_.push_back(c);
    }
    if (chunk.used == 0 && ++empty_chunks_ > 1) release(chunk);
    return true;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// Calls visit(SlotId, T&) for each object; visit may erase the object it is given, and no other.
  template <class F>
  void for_each(F&& visit) {
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
      for (std::size_t i = 0; i < chunk_size && chunks_[c].cells; ++i) {
        Cell& cell = chunks_[c].cells[i];
        if (cell.used) visit(SlotId{static_cast<std::uint32_t>(c * chunk_size + i), cell.generation}, *cell.object());
      }
    }
  }

  void clear() {
    for_each([this](SlotId id, T&) { erase(id); });
  }

 private:
  std::uint32_t chunk_with_room() {
    while (!chunks_with_room_.empty()) {
      const std::uint32_t c = chunks_with_room_.back();
      Chunk& chunk = chunks_[c];
      if (chunk.cells && chunk.first_free != none) {
        if (chunk.used == 0) --empty_chunks_;
        return c;
      }
      if (!chunk.cells) {
        allocate(chunk);
        return c;
      }
      chunk.listed = false;
      chunks_with_room_.pop_back();
    }
    chunks_.emplace_back();
    const auto c = static_cast<std::uint32_t>(chunks_.size() - 1);
    allocate(chunks_[c]);
    chunks_[c].listed = true;
    chunks_with_room_.push_back(c);
    return c;
  }

  void allocate(Chunk& chunk) {
    chunk.cells = std::make_unique<Cell[]>(chunk_size);
    for (std::uint32_t i = 0; i < chunk_size; ++i) {
      chunk.cells[i].generation = chunk.generation_floor;
      chunk.cells[i].next_free = i + 1 < chunk_size ? i + 1 : none;
    }
    chunk.first_free = 0;
  }

  void release(Chunk& chunk) {
    std::uint32_t highest = chunk.generation_floor;
    for (std::size_t i = 0; i < chunk_size; ++i) highest = std::max(highest, chunk.cells[i].generation);
    chunk.generation_floor = highest;
    chunk.cells.reset();
    --empty_chunks_;
  }

  static constexpr std::uint32_t none = 0xffffffff;
  std::vector<Chunk> chunks_;
  std::vector<std::uint32_t> chunks_with_room_;
  std::size_t size_ = 0;
  std::size_t empty_chunks_ = 0;
};

}  // namespace bellhop
