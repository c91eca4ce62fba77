#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace bellhop::observe {

/// A step of the request pipeline that decides something.
enum class Step : std::uint8_t {
  ingress,
  guard,
  sanity,
  max_forwards,
  loop,
  proxy_require,
  authentication,
  identity,
  rights,
  overload,
  own_route,
  relay_policy,
  alias,
  forwarder,
  registrar,
  location,
  routing,
  target,
  branch,
  response,
  answer
};
[[nodiscard]] std::string_view name_of(Step step);

/// What was decided about one request and why, in a few bytes: each pipeline step notes its verdict. The log line, the
/// call trace, the CDR and "explain this call" all read this one record (founding decision 5).
///
/// Memory  inline, nothing on the heap; what does not fit is cut and marked. Copyable as a value, so it can go into a
///         journal or another thread.
class DecisionRecord {
 public:
  DecisionRecord() noexcept {}  // NOLINT(modernize-use-equals-default): that one would clear the octets

  /// `verdict` is a short static word ("passed", "challenged", "404"); `detail` is copied and may be cut.
  void note(Step step, std::string_view verdict, std::string_view detail = {});

  /// One line for the log: "guard passed; auth alice@example.test; location 2 bindings; ...".
  [[nodiscard]] std::string text() const;
  void append_to(std::string& out) const;
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] std::size_t steps() const { return count_; }

  /// Calls visit(Step, verdict, detail) in order.
  template <class F>
  void for_each(F&& visit) const {
    std::size_t at = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const auto step = static_cast<Step>(bytes_[at]);
      const auto verdict_size = static_cast<unsigned char>(bytes_[at + 1]);
      const auto detail_size = static_cast<unsigned char>(bytes_[at + 2]);
      const char* text = bytes_.data() + at + 3;
      visit(step, std::string_view(text, verdict_size), std::string_view(text + verdict_size, detail_size));
      at += 3u + verdict_size + detail_size;
    }
  }

 private:
  std::uint16_t used_ = 0;
  std::uint8_t count_ = 0;
  bool truncated_ = false;
  std::array<char, 252> bytes_;
};

}  // namespace bellhop::observe
