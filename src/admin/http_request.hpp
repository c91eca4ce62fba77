#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "admin/commands.hpp"

namespace bellhop::admin {

/// A request of the HTTP side, as far as we look at it. A body is read and dropped.
struct HttpRequest {
  std::string method;  ///< "GET"
  std::string path;    ///< percent-decoded, without the query
  Words arguments;     ///< the values of the query, decoded, in order: "?filter=alice&x=1" is {"alice", "1"}
  std::string host;    ///< Host header field
  bool has_host = false;
  bool keep_alive = false;
};

/// Takes HTTP/1.x requests out of a stream, one by one, with http_parser (http_request.cpp only).
class HttpReader {
 public:
  enum class Outcome : std::uint8_t { more, complete, malformed, too_large };

  explicit HttpReader(std::size_t limit);  ///< octets of one request, headers and body together
  ~HttpReader();
  HttpReader(HttpReader&&) noexcept;
  HttpReader& operator=(HttpReader&&) noexcept;

  /// Takes octets off the front until a request is complete or nothing is left.
  [[nodiscard]] Outcome feed(std::string_view& octets);
  /// The complete request; the next feed() begins another.
  [[nodiscard]] HttpRequest take();
  [[nodiscard]] bool in_request() const;  ///< a request has begun and is not complete

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "%41+b" as "A b"; what is no valid escape stays as it is.
[[nodiscard]] std::string percent_decoded(std::string_view text);

}  // namespace bellhop::admin
