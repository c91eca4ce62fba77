#include "sip/edits.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace bellhop::sip {
namespace {

/// Copies stretches of the old message, shortening the field names in them when asked to.
class Copier {
 public:
  Copier(const Message& message, FieldNames names, std::string& out)
      : octets_(message.octets()), fields_(message.headers()), compact_(names == FieldNames::compact), out_(out) {}

  void copy(std::size_t from, std::size_t to) {
    for (; compact_ && next_ < fields_.size() && fields_[next_].name_at < to; ++next_) {
      const HeaderField& field = fields_[next_];
      const char letter = name_of(field.id).compact;
      if (letter == '\0' || field.name_at < from) continue;
      out_.append(octets_, from, field.name_at - from).push_back(letter);
      from = field.name_at + field.name_size;
    }
    out_.append(octets_, from, to - from);
  }

 private:
  std::string_view octets_;
  std::span<const HeaderField> fields_;
  std::size_t next_ = 0;
  bool compact_;
  std::string& out_;
};

void write_line(std::string& out, FieldNames names, HeaderId id, std::string_view value) {
  const HeaderName& name = name_of(id);
  if (names == FieldNames::compact && name.compact != '\0') {
    out.push_back(name.compact);
  } else {
    out.append(name.name);
  }
  out.append(": ").append(value).append("\r\n");
}

}  // namespace

void Edits::start(const Message& message) {
  message_ = &message;
  changes_.clear();
  texts_.clear();
}

void Edits::store(Change& made, Pieces text) {
  made.text_at = static_cast<std::uint32_t>(texts_.size());
  for (const std::string_view piece : text) texts_.append(piece);
  made.text_size = static_cast<std::uint32_t>(texts_.size() - made.text_at);
}

void Edits::place(Change made, Pieces text) {
  store(made, text);
  changes_.insert(std::upper_bound(changes_.begin(), changes_.end(), made.at,
                                   [](std::uint32_t position, const Change& other) { return position < other.at; }),
                  made);
}

void Edits::insert(std::size_t at, Pieces text, HeaderId line) {
  place({.at = static_cast<std::uint32_t>(at), .line = line}, text);
}

void Edits::replace(std::size_t at, std::size_t cut, std::string_view text) {
  for (Change& other : changes_) {
    if (other.at != at || !other.replaces) continue;
    if (other.cut > cut) return;
    other.cut = static_cast<std::uint32_t>(cut);
    return store(other, {text});
  }
  place({.at = static_cast<std::uint32_t>(at), .cut = static_cast<std::uint32_t>(cut), .replaces = true}, {text});
}

std::size_t Edits::place_of(std::string_view part) const {
  return static_cast<std::size_t>(part.data() - message_->octets().data());
}

bool Edits::is_removed(std::size_t at) const {
  return std::any_of(changes_.begin(), changes_.end(), [at](const Change& made) {
    return made.text_size == 0 && made.at <= at && at < std::size_t{made.at} + made.cut;
  });
}

void Edits::set_request_uri(std::string_view uri) {
  replace_part(message_->request_uri_text(), uri);
}

void Edits::insert_above_first(HeaderId id, std::string_view value) {
  const HeaderField* first = message_->first(id);
  insert(first != nullptr ? first->name_at : message_->header_block_at(), {value}, id);
}

void Edits::append(HeaderId id, std::string_view value) {
  insert(message_->blank_line_at(), {value}, id);
}

void Edits::append(std::string_view name, std::string_view value) {
  if (const HeaderId id = header_from(name); id != HeaderId::other) return append(id, value);
  insert(message_->blank_line_at(), {name, ": ", value, "\r\n"});
}

void Edits::replace_value(const HeaderField& field, std::string_view value) {
  replace(field.value_at, field.value_size, value);
}

void Edits::replace_part(std::string_view part, std::string_view text) {
  replace(place_of(part), part.size(), text);
}

void Edits::remove(const HeaderField& field) {
  replace(field.name_at, field.end_at - field.name_at, {});
}

void Edits::remove_all(HeaderId id) {
  for (const HeaderField* field = message_->first(id); field != nullptr; field = message_->next(field)) {
    remove(*field);
  }
}

void Edits::remove_first_value(HeaderId id) {
  for (const HeaderField* field = message_->first(id); field != nullptr; field = message_->next(field)) {
    std::string_view list = message_->value(*field);
    while (const auto element = next_in_list(list)) {
      const std::size_t at = place_of(*element);
      if (is_removed(at)) continue;
      const auto following = next_in_list(list);
      return following ? replace(at, place_of(*following) - at, {}) : remove(*field);
    }
  }
}

void Edits::add_parameter_to_first(HeaderId id, std::string_view name, std::string_view value, bool has_value) {
  const HeaderField* field = message_->first(id);
  if (field == nullptr) return;
  std::string_view list = message_->value(*field);
  const auto element = next_in_list(list);
  insert(element ? place_of(*element) + element->size() : field->value_at,
         {";", name, has_value ? "=" : "", has_value ? value : std::string_view{}});
}

void Edits::set(HeaderId id, std::string_view value) {
  const HeaderField* field = message_->first(id);
  if (field != nullptr && !is_removed(field->name_at)) return replace_value(*field, value);
  for (Change& made : changes_) {
    if (made.line == id) return store(made, {value});
  }
  append(id, value);
}

void Edits::set_body(std::string_view content_type, std::string_view body) {
  const std::size_t old_size = message_->body().size();
  replace(message_->octets().size() - old_size, old_size, body);
  if (content_type.empty()) {
    remove_all(HeaderId::content_type);
  } else {
    set(HeaderId::content_type, content_type);
  }
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), body.size()).ptr;
  set(HeaderId::content_length, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void Edits::write(std::string& out, FieldNames names) const {
  const std::string_view octets = message_->octets();
  out.reserve(out.size() + octets.size() + texts_.size() + 32 * changes_.size());
  Copier copier(*message_, names, out);
  std::size_t done = 0;      // octets of the old message dealt with
  std::size_t cut_from = 0;  // start of the last cut, which ends at `done`
  for (const Change& made : changes_) {
    const bool inside_a_cut = made.at > cut_from && made.at < done;
    if (inside_a_cut) continue;
    if (made.at > done) copier.copy(done, made.at);
    const std::string_view text = std::string_view(texts_).substr(made.text_at, made.text_size);
    if (made.line != HeaderId::other) {
      write_line(out, names, made.line, text);
    } else {
      out.append(text);
    }
    done = std::max<std::size_t>(done, std::size_t{made.at} + made.cut);
    if (made.cut > 0) cut_from = made.at;
  }
  copier.copy(done, octets.size());
}

}  // namespace bellhop::sip
