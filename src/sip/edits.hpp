#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message.hpp"

namespace bellhop::sip {

enum class FieldNames : std::uint8_t { as_received, compact };

/// A list of changes to a received message; write() makes the new message from the old octets in one pass, so unknown
/// headers and the body pass byte for byte. Edits know nothing of routing: they cut and paste.
///
/// Memory  inserted texts are copied into one string that is reused after start(): one Edits per shard allocates
///         nothing once warm.
/// Rules   insertions at one place appear in the order they were made. The same part replaced again: the last text
///         counts. A part that lies in a part removed or replaced as a whole: the whole counts.
/// Text    what is inserted must hold no line breaks; values taken from a parsed message never do but as folds.
class Edits {
 public:
  explicit Edits(const Message& message) : message_(&message) {}
  /// Forgets all edits and turns to another message.
  void start(const Message& message);
  [[nodiscard]] bool empty() const { return changes_.empty(); }

  void set_request_uri(std::string_view uri);
  /// Adds a line above the first header field of this id; when there is none, above all header fields.
  void insert_above_first(HeaderId id, std::string_view value);
  /// Adds a line behind the last header field.
  void append(HeaderId id, std::string_view value);
  void append(std::string_view name, std::string_view value);
  /// Replaces the value of one line.
  void replace_value(const HeaderField& field, std::string_view value);
  /// Replaces a part of the message, given as a view into it (a URI within a Contact, say).
  void replace_part(std::string_view part, std::string_view text);
  void remove(const HeaderField& field);
  void remove_all(HeaderId id);
  /// Removes the first value of a list header (Via, Route) that is still there, so a second call removes the second:
  /// the whole line with its last value.
  void remove_first_value(HeaderId id);
  /// Appends ";name=value" (or ";name") behind the first value of the first field of this id.
  void add_parameter_to_first(HeaderId id, std::string_view name, std::string_view value, bool has_value = true);
  /// Adds or replaces a single-valued header (Max-Forwards, Expires).
  void set(HeaderId id, std::string_view value);
  /// Content-Type (none when empty) and Content-Length follow; other Content- headers are the caller's.
  void set_body(std::string_view content_type, std::string_view body);

  /// Appends the edited message to `out`. `compact` renames every known field to its one-letter form (CGP-30).
  void write(std::string& out, FieldNames names = FieldNames::as_received) const;

 private:
  struct Change {
    std::uint32_t at = 0, cut = 0;             ///< position in the message and octets cut there
    std::uint32_t text_at = 0, text_size = 0;  ///< what is put there, in texts_
    HeaderId line = HeaderId::other;           ///< not `other`: the text is the value of a new header line
    bool replaces = false;                     ///< stands for the octets cut, which may be none (an empty value)
  };
  using Pieces = std::initializer_list<std::string_view>;
  void insert(std::size_t at, Pieces text, HeaderId line = HeaderId::other);
  void replace(std::size_t at, std::size_t cut, std::string_view text);
  void place(Change made, Pieces text);
  void store(Change& made, Pieces text);
  [[nodiscard]] std::size_t place_of(std::string_view part) const;
  [[nodiscard]] bool is_removed(std::size_t at) const;

  const Message* message_;
  std::vector<Change> changes_;  ///< by position; in the order made at one position
  std::string texts_;
};

}  // namespace bellhop::sip
