#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "net/flow.hpp"

namespace bellhop::location {

// Numbers, texts and flows as octets, little endian: shared by the journal records and the table's blocks.

static_assert(std::endian::native == std::endian::little);

template <class T>
void put(std::string& out, T value) {
  static_assert(std::is_integral_v<T>);
  char octets[sizeof(T)];
  std::memcpy(octets, &value, sizeof(T));
  out.append(octets, sizeof(T));
}
inline void put(std::string& out, TimePoint time) {
  put(out, std::int64_t{time.time_since_epoch().count()});
}
inline void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint16_t>(text.size()));
  out.append(text);
}

/// Reads what put() wrote. After the end everything reads as zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view octets) : octets_(octets) {}
  template <class T>
  [[nodiscard]] T number() {
    T value{};
    const std::string_view raw = take(sizeof(T));
    if (ok_) std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }
  [[nodiscard]] TimePoint time() { return TimePoint(Duration(number<std::int64_t>())); }
  [[nodiscard]] std::string_view text() { return take(number<std::uint16_t>()); }
  [[nodiscard]] std::string_view take(std::size_t size) {
    if (size > octets_.size()) {
      ok_ = false;
      octets_ = {};
      return {};
    }
    const std::string_view taken = octets_.substr(0, size);
    octets_.remove_prefix(size);
    return taken;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::string_view rest() const { return octets_; }
  [[nodiscard]] bool at_end() const { return octets_.empty(); }

 private:
  std::string_view octets_;
  bool ok_ = true;
};

/// A flow in 15 octets (IPv4 over UDP) to 49. The shard of a UDP flow is not kept: any shard can send on it.
class FlowOctets {
 public:
  explicit FlowOctets(const net::Flow& flow);
  [[nodiscard]] std::string_view text() const { return {octets_, size_}; }

  /// Nothing when these are not the octets of a flow.
  [[nodiscard]] static std::optional<net::Flow> decode(std::string_view octets);

 private:
  template <class T>
  void add(const T& value) {
    std::memcpy(octets_ + size_, &value, sizeof value);
    size_ = static_cast<std::uint8_t>(size_ + sizeof value);
  }
  void add(const Endpoint& endpoint);

  char octets_[49];
  std::uint8_t size_ = 0;
};

}  // namespace bellhop::location
