#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "location/block.hpp"

namespace bellhop::location {

// Journal records of the location table. One record holds all that one REGISTER changed, so that a crash leaves all of
// it or nothing: operations back to back, each about one binding, which its id names for ever.

struct Operation {
  enum class Kind : std::uint8_t {
    put = 1,     ///< the whole binding
    touch = 2,   ///< a refresh: id, version, cseq, expires and updated only
    remove = 3,  ///< the id; final, since ids are never used again
    seen = 4     ///< ids up to this one were given out
  };
  Kind kind = Kind::put;
  std::string_view aor;
  BindingView binding;
};

void append_put(std::string& out, std::string_view aor, const BindingView& binding);
void append_remove(std::string& out, std::uint64_t id);
void append_seen(std::string& out, std::uint64_t id);

/// A record with one touch, made without heap: a refresh is what happens most.
class TouchRecord {
 public:
  TouchRecord(std::uint64_t id, std::uint32_t version, std::uint32_t cseq, TimePoint expires, TimePoint updated);
  [[nodiscard]] std::string_view octets() const { return {octets_, sizeof octets_}; }

 private:
  char octets_[33];
};

/// Takes the next operation off `record`; nothing at its end and when the octets make no sense (`record` is then not
/// empty). Views point into the record.
[[nodiscard]] std::optional<Operation> next_operation(std::string_view& record);

}  // namespace bellhop::location
