#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/hash.hpp"
#include "location/binding_codec.hpp"

namespace bellhop::location {

/// Finds the newest state of each binding in journal records that may come in any order (lanes change places): the put
/// and the touch with the highest version count, and a removal ends an id for good.
///
/// Memory  about 80 octets per id while it lives; records are not copied and must outlive it.
class Replay {
 public:
  explicit Replay(std::uint64_t hash_seed) : ids_(0, IdHash{hash_seed}) {}

  void record(std::string_view payload);
  /// Calls visit(aor, binding) for each binding that stands and has not expired. A stream of a process that is gone
  /// must not be taken for a live one: the binding's flow keeps its addresses and loses its stream.
  void finish(TimePoint now, const std::function<void(std::string_view aor, const BindingView&)>& visit) const;

  [[nodiscard]] std::uint64_t highest_id() const { return highest_id_; }
  [[nodiscard]] std::size_t malformed() const { return malformed_; }  ///< records that end in nonsense

 private:
  struct Newest {
    std::string_view put;  ///< the operation's octets, empty when none was seen
    std::uint32_t put_version = 0, touch_version = 0, cseq = 0;
    bool touched = false, removed = false;
    TimePoint expires{}, updated{};
  };
  struct IdHash {
    using is_avalanching = void;
    std::uint64_t seed;
    std::size_t operator()(std::uint64_t id) const {
      return hash64({reinterpret_cast<const char*>(&id), sizeof id}, seed);
    }
  };
  void apply(const Operation& operation, std::string_view octets);

  boost::unordered_flat_map<std::uint64_t, Newest, IdHash> ids_;
  std::uint64_t highest_id_ = 0;
  std::size_t malformed_ = 0;
};

}  // namespace bellhop::location
