#include <fmt/format.h>

#include <algorithm>

#include "admin/json.hpp"

namespace bellhop::admin {

namespace {

/// Without control characters, C1 in UTF-8 among them (U+009B begins an escape sequence as ESC [ does), so that no
/// value can forge another line or drive the terminal.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
    if (octet == 0xc2 && next >= 0x80 && next < 0xa0) {
      out += fmt::format("\\x{:02x}", next);
      ++i;
    } else if (octet < 0x20 || octet == 0x7f) {
      out += fmt::format("\\x{:02x}", octet);
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string cell(const Json& value) {
  const std::string* text = value.as_text();
  if (value.is_null()) return "-";
  const std::string out = escaped(text == nullptr ? value.write() : *text);
  return out.empty() ? "-" : out;
}

using Row = std::vector<std::string>;

std::string aligned(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      out += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    out += '\n';
  }
  return out;
}

std::string upper(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::string table_of(const Json::Array& items) {
  if (items.empty()) return "none\n";
  const Json::Object* first = items.front().as_object();
  std::vector<Row> rows;
  if (first != nullptr) {
    Row heading;
    for (const auto& [name, value] : *first) heading.push_back(upper(name));
    rows.push_back(std::move(heading));
  }
  for (const Json& item : items) {
    Row row;
    if (first == nullptr)
      row.push_back(cell(item));
    else
      for (const auto& [name, value] : *first) {
        const Json* member = item.find(name);
        row.push_back(member == nullptr ? "-" : cell(*member));
      }
    rows.push_back(std::move(row));
  }
  return aligned(rows);
}

}  // namespace

std::string to_table(const Json& value) {
  if (const Json::Array* items = value.as_array()) return table_of(*items);
  if (const Json::Object* members = value.as_object()) {
    std::vector<Row> rows;
    std::string below;
    for (const auto& [name, member] : *members) {
      const bool nested = member.as_array() != nullptr || member.as_object() != nullptr;
      if (nested)
        below += fmt::format("\n{}:\n{}", name, to_table(member));
      else
        rows.push_back({name, cell(member)});
    }
    return aligned(rows) + below;
  }
  // A text as the whole answer is a text of ours with lines of its own, like the trace.
  if (const std::string* text = value.as_text()) return text->empty() || text->back() == '\n' ? *text : *text + "\n";
  return value.is_null() ? "" : value.write() + "\n";
}

}  // namespace bellhop::admin
