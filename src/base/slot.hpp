#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/prefetch.hpp"

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
/// An id is never given out twice: a cell whose generations are used up is retired (`last_generation` is a parameter
/// for the test of that alone), and generations go on where they were when a chunk that was given back returns.
///
/// Owner  one thread. An object may erase others, insert or look itself up in vain while it is being destroyed.
///        Objects must not be erased while a reference to them is in use further up the stack.
template <class T, std::size_t chunk_size = 64, std::uint32_t last_generation = 0xfffffffe>
class SlotMap {
  struct Cell {
    std::uint32_t generation = 1;
    std::uint32_t next_free = none;  ///< or `in_use`
    alignas(T) std::byte storage[sizeof(T)];
    [[nodiscard]] bool used() const { return next_free == in_use; }
    T* object() { return std::launder(reinterpret_cast<T*>(storage)); }
  };
  struct Chunk {
    std::unique_ptr<Cell[]> cells;  ///< absent while given back
    std::uint32_t used = 0;
    std::uint32_t first_free = none;     ///< index within the chunk
    std::uint32_t generation_floor = 1;  ///< where generations go on after the chunk was given back
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
    const std::uint32_t i = take_cell(c);
    Cell& cell = chunks_[c].cells[i];
    try {
      ::new (static_cast<void*>(cell.storage)) T(std::forward<Args>(args)...);
    } catch (...) {
      give_cell_back(c, i);
      throw;
    }
    cell.next_free = in_use;
    ++size_;
    return {static_cast<std::uint32_t>(c * chunk_size + i), cell.generation};
  }

  [[nodiscard]] T* find(SlotId id) {
    const std::size_t c = id.index / chunk_size;
    if (c >= chunks_.size() || !chunks_[c].cells) return nullptr;
    Cell& cell = chunks_[c].cells[id.index % chunk_size];
    return cell.used() && cell.generation == id.generation ? cell.object() : nullptr;
  }
  [[nodiscard]] const T* find(SlotId id) const { return const_cast<SlotMap*>(this)->find(id); }
  /// Brings what find() would give nearer.
  void prefetch(SlotId id) const {
    const std::size_t c = id.index / chunk_size;
    if (c < chunks_.size() && chunks_[c].cells) bellhop::prefetch(chunks_[c].cells[id.index % chunk_size]);
  }

  /// The id of what lives in this place now, invalid when nothing does: for a caller that kept only part of an id.
  [[nodiscard]] SlotId id_at(std::uint32_t index) const {
    const std::size_t c = index / chunk_size;
    if (c >= chunks_.size() || !chunks_[c].cells) return {};
    const Cell& cell = chunks_[c].cells[index % chunk_size];
    return cell.used() ? SlotId{index, cell.generation} : SlotId{};
  }

  bool erase(SlotId id) {
    T* object = find(id);
    if (object == nullptr) return false;
    const auto c = static_cast<std::uint32_t>(id.index / chunk_size);
    const auto i = static_cast<std::uint32_t>(id.index % chunk_size);
    Cell& cell = chunks_[c].cells[i];
    cell.next_free = none;  // before the destructor, which may look for itself
    ++cell.generation;
    --size_;
    object->~T();
    give_cell_back(c, i);
    return true;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Cells that hold memory now, used or not.
  [[nodiscard]] std::size_t capacity() const { return allocated_chunks_ * chunk_size; }

  /// Calls visit(SlotId, T&) for each object; visit may erase the object it is given, and no other.
  template <class F>
  void for_each(F&& visit) {
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
      for (std::size_t i = 0; i < chunk_size && chunks_[c].cells; ++i) {
        Cell& cell = chunks_[c].cells[i];
        if (cell.used()) visit(SlotId{static_cast<std::uint32_t>(c * chunk_size + i), cell.generation}, *cell.object());
      }
    }
  }

  void clear() {
    for_each([this](SlotId id, T&) { erase(id); });
  }

 private:
  /// Chunks in memory first: one that was given back returns only when those are full, else a load around its edge
  /// would allocate and free it with every object.
  std::uint32_t chunk_with_room() {
    while (!chunks_with_room_.empty()) {
      const std::uint32_t c = chunks_with_room_.back();
      if (chunks_[c].cells && chunks_[c].first_free != none) return c;
      chunks_[c].listed = false;
      chunks_with_room_.pop_back();
    }
    std::uint32_t c = static_cast<std::uint32_t>(chunks_.size());
    if (given_back_.empty()) {
      chunks_.emplace_back();
    } else {
      c = given_back_.back();
      given_back_.pop_back();
    }
    allocate(chunks_[c]);
    list(c);
    return c;
  }

  std::uint32_t take_cell(std::uint32_t c) {
    Chunk& chunk = chunks_[c];
    const std::uint32_t i = chunk.first_free;
    chunk.first_free = chunk.cells[i].next_free;
    if (chunk.used++ == 0) --empty_chunks_;
    return i;
  }

  void give_cell_back(std::uint32_t c, std::uint32_t i) {
    Chunk& chunk = chunks_[c];
    Cell& cell = chunk.cells[i];
    if (cell.generation <= last_generation) {
      cell.next_free = chunk.first_free;
      chunk.first_free = i;
      list(c);
    }
    if (--chunk.used == 0 && (++empty_chunks_ > 1 || chunk.first_free == none)) release(c);
  }

  void list(std::uint32_t c) {
    if (chunks_[c].listed) return;
    chunks_with_room_.push_back(c);
    chunks_[c].listed = true;
  }

  void allocate(Chunk& chunk) {
    chunk.cells = std::make_unique<Cell[]>(chunk_size);
    for (std::uint32_t i = 0; i < chunk_size; ++i) {
      chunk.cells[i].generation = chunk.generation_floor;
      chunk.cells[i].next_free = i + 1 < chunk_size ? i + 1 : none;
    }
    chunk.first_free = 0;
    ++empty_chunks_;
    ++allocated_chunks_;
  }

  void release(std::uint32_t c) {
    Chunk& chunk = chunks_[c];
    // The generation in a free cell has not been given out yet, so the highest of them is above every stale id.
    for (std::size_t i = 0; i < chunk_size; ++i) {
      chunk.generation_floor = std::max(chunk.generation_floor, chunk.cells[i].generation);
    }
    chunk.cells.reset();
    chunk.first_free = none;
    --empty_chunks_;
    --allocated_chunks_;
    if (chunk.generation_floor <= last_generation) given_back_.push_back(c);
  }

  static constexpr std::uint32_t none = 0xffffffff, in_use = 0xfffffffe;
  std::vector<Chunk> chunks_;
  std::vector<std::uint32_t> chunks_with_room_;  ///< may name chunks that have none left; dropped when they surface
  std::vector<std::uint32_t> given_back_;
  std::size_t size_ = 0;
  std::size_t empty_chunks_ = 0;  ///< in memory with nothing in them
  std::size_t allocated_chunks_ = 0;
};

}  // namespace bellhop
